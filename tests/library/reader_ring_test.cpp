// SPDX-License-Identifier: Apache-2.0
#include <thread>

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "io/few_descriptors.hpp"
#include "library/reader_fixture.hpp"
#include "support/open_descriptors.hpp"

TEST_SUITE_BEGIN("library/reader_ring");

namespace submitit {
namespace {

using namespace submitit::testing;

/// On the ring alone: other backends have no reader with one of its own.
void on_uring(std::function<void(reading&)> const& claim) {
    on_backends([&claim](backend_kind kind) {
        if (kind != backend_kind::uring) return;
        reading with{kind};
        claim(with);
    });
}

/// `count` cache misses, one after the other.
void miss(reading& with, file_reader& reader, unsigned count) {
    for (unsigned i = 0; i < count; ++i) {
        one_read one{0, large};
        one.start(reader);
        with.run();
        REQUIRE(one.right(with));
    }
}

/// What a reader's executor waits with has descriptors of its own, and it matters whether it was there before the reader.
void use_reactor(reading& with) {
    asio::steady_timer timer{*with.context, std::chrono::seconds{0}};
    timer.async_wait([](error_code) {});
    with.run();
}

}  // namespace

TEST_CASE("a reader that keeps missing the cache gets a ring, a descriptor more, until it goes") {
    on_uring([](reading& with) {
        use_reactor(with);
        auto const before = open_descriptors();
        std::optional<file_reader> reader{with.opened()};
        miss(with, *reader, 10);
        CHECK(open_descriptors() == before + 1);  // the file
        miss(with, *reader, 60);
        CHECK(open_descriptors() == before + 2);
        reader.reset();
        CHECK(open_descriptors() == before);
    });
}

TEST_CASE("where no descriptor is left for a ring, the engine reads") {
    on_uring([](reading& with) {
        auto reader = with.opened();
        miss(with, reader, 10);
        auto const before = open_descriptors();
        {
            io::testing::few_descriptors const none{0};
            miss(with, reader, 60);
        }
        miss(with, reader, 60);
        CHECK(open_descriptors() == before);
    });
}

TEST_CASE("more reads at once than a ring takes are all right") {
    on_uring([](reading& with) {
        auto reader = with.opened();
        miss(with, reader, 60);
        auto reads = random_reads(400, large, with.content.size());
        for (auto& one : reads) one.start(reader);
        with.run();
        for (auto const& one : reads) CHECK(one.right(with));
    });
}

TEST_CASE("the thread that started reads may end before they do") {
    on_uring([](reading& with) {
        auto reader = with.opened();
        miss(with, reader, 60);
        auto reads = random_reads(100, large, with.content.size());
        std::thread{[&] {
            for (auto& one : reads) one.start(reader);
        }}.join();
        with.run();
        for (auto const& one : reads) CHECK(one.right(with));
    });
}

TEST_CASE(
    "a context that goes waits for a ring's reads, whatever its reactor was made for, and so does a reader that goes "
    "later") {
    for (bool const reactor_first : {false, true}) {
        on_uring([reactor_first](reading& with) {
            if (reactor_first) use_reactor(with);
            auto const shared = std::make_shared<int>(1);
            auto reads = random_reads(100, large, with.content.size());
            std::optional<file_reader> reader{with.opened()};
            miss(with, *reader, 60);
            for (auto& one : reads) {
                reader->async_read_some_at(one.offset, asio::buffer(one.data),
                                           [shared](error_code, std::size_t) { FAIL("called"); });
            }
            with.context.reset();
            CHECK(shared.use_count() == 1);
            for (auto const& one : reads) CHECK(with.holds(one.data, one.offset));
            reader.reset();
        });
    }
}

TEST_CASE("the context of a handler may end while the reader's is run by nobody") {
    on_uring([](reading& with) {
        auto const shared = std::make_shared<int>(1);
        auto reads = random_reads(100, large, with.content.size());
        auto reader = with.opened();
        miss(with, reader, 60);
        {
            asio::io_context other;
            for (auto& one : reads)
                reader.async_read_some_at(
                    one.offset, asio::buffer(one.data),
                    asio::bind_executor(other.get_executor(), [shared](error_code, std::size_t) { FAIL("called"); }));
        }
        CHECK(shared.use_count() == 1);
        for (auto const& one : reads) CHECK(with.holds(one.data, one.offset));
        with.run();
    });
}

TEST_CASE("a reader that goes leaves its ring's reads to complete") {
    on_uring([](reading& with) {
        use_reactor(with);
        auto const before = open_descriptors();
        auto reads = random_reads(100, large, with.content.size());
        std::optional<file_reader> reader{with.opened()};
        miss(with, *reader, 60);
        for (auto& one : reads) one.start(*reader);
        reader.reset();
        with.run();
        for (auto const& one : reads) CHECK(one.right(with));
        CHECK(open_descriptors() == before);
    });
}

TEST_CASE("an error is the engine's to tell, also of a read that a ring began") {
    on_uring([](reading& with) {
        auto reader = with.opened();
        miss(with, reader, 60);
        outcome told;
        // Not this process's memory: the kernel refuses it.
        reader.async_read_some_at(0, asio::mutable_buffer{reinterpret_cast<void*>(std::uintptr_t{4096}), large},
                                  told.callback());
        with.run();
        REQUIRE(told.error);
        CHECK(told.error->value() == EFAULT);
    });
}

}  // namespace submitit

TEST_SUITE_END();
