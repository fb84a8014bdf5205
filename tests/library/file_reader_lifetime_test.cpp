// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <fcntl.h>

#include <atomic>
#include <thread>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/thread_pool.hpp>

#include "library/reader_fixture.hpp"

TEST_SUITE_BEGIN("library/file_reader lifetime");

namespace submitit {
namespace {

using namespace submitit::testing;

}  // namespace

TEST_CASE("a reader may be closed or destroyed with reads in flight: they complete, then the descriptor is closed") {
    for (bool const destroyed : {false, true}) {
        on_backends([destroyed](backend_kind kind) {
            reading with{kind};
            auto reads = random_reads(64, large, with.content.size());
            std::optional<file_reader> reader{with.opened()};
            int const fd = reader->native_handle();
            for (auto& one : reads) one.start(*reader);
            if (destroyed) reader.reset();
            else reader->close();
            with.run();
            for (auto const& one : reads) CHECK(one.right(with));
            with.engine.reset();  // nothing of it holds the file any more
            CHECK(::fcntl(fd, F_GETFD) == -1);
        });
    }
}

TEST_CASE("an engine that goes waits for the reads in flight; later ones fail with engine_closed, cached or not") {
    on_backends([](backend_kind kind) {
        reading with{kind};
        auto reads = random_reads(64, large, with.content.size());
        auto reader = with.opened();
        for (auto& one : reads) one.start(reader);
        with.engine.reset();
        one_read late{0, large};
        one_read late_cached{0, 100};
        late.start(reader);
        late_cached.start(reader);
        CHECK_FALSE(late.result.error);
        with.run();
        for (auto const& one : reads) CHECK(one.right(with));
        CHECK(late.result.error == errc::engine_closed);
        CHECK(late_cached.result.error == errc::engine_closed);
        CHECK(reader.size() == with.content.size());
    });
}

TEST_CASE("a context that goes waits for the kernel and destroys the handlers") {
    on_backends([](backend_kind kind) {
        reading with{kind};
        auto const shared = std::make_shared<int>(1);
        auto reads = random_reads(64, large, with.content.size());
        auto reader = with.opened();
        for (auto& one : reads) {
            reader.async_read_some_at(one.offset, asio::buffer(one.data),
                                      [shared](error_code, std::size_t) { FAIL("called"); });
        }
        CHECK(shared.use_count() >= 65);  // more while one is on its way
        with.context.reset();
        CHECK(shared.use_count() == 1);
        for (auto const& one : reads) CHECK(with.holds(one.data, one.offset));
    });
}

TEST_CASE("nothing completes inside the call, and a read keeps its context running") {
    on_backends([](backend_kind kind) {
        reading with{kind};
        auto reader = with.opened();
        one_read cached{0, 100};
        one_read from_backend{0, large};
        cached.start(reader);
        from_backend.start(reader);
        CHECK_FALSE(cached.result.error);
        CHECK_FALSE(from_backend.result.error);
        CHECK(with.context->run() == 2);
        CHECK(cached.right(with));
        CHECK(from_backend.right(with));
    });
}

TEST_CASE("cancelling has no effect: the read completes as if nothing had been") {
    on_backends([](backend_kind kind) {
        reading with{kind};
        auto reader = with.opened();
        asio::cancellation_signal signal;
        one_read one{0, large};
        reader.async_read_some_at(one.offset, asio::buffer(one.data),
                                  asio::bind_cancellation_slot(signal.slot(), one.result.callback()));
        signal.emit(asio::cancellation_type::all);
        with.run();
        CHECK(one.right(with));
    });
}

TEST_CASE("several threads may start reads on one reader") {
    on_backends([](backend_kind kind) {
        reading with{kind};
        asio::thread_pool pool{2};
        file_reader reader{pool, *with.engine};
        reader.open(with.path("file"));
        std::atomic<unsigned> right{0};
        std::vector<std::vector<one_read>> sets;
        for (int i = 0; i < 4; ++i) sets.push_back(random_reads(100, i % 2 == 0 ? 4096 : large, with.content.size()));
        {
            std::vector<std::jthread> starters;
            for (auto& reads : sets) {
                starters.emplace_back([&] {
                    for (auto& one : reads) {
                        reader.async_read_some_at(one.offset, asio::buffer(one.data),
                                                  [&](error_code error, std::size_t bytes) {
                                                      one.result.callback()(error, bytes);
                                                      if (one.right(with)) right.fetch_add(1);
                                                  });
                    }
                });
            }
        }
        pool.join();
        CHECK(right.load() == 400);
    });
}

}  // namespace submitit

TEST_SUITE_END();
