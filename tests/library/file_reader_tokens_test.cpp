// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <array>
#include <future>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/read_at.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/system/system_error.hpp>

#include "library/counting_allocator.hpp"
#include "library/reader_fixture.hpp"

TEST_SUITE_BEGIN("library/file_reader tokens");

namespace submitit {
namespace {

using namespace submitit::testing;

/// Reads of both ways: copied from the page cache in the call, and by the backend.
constexpr std::array<std::size_t, 2> sizes{100, large};

template <class Result>
Result run_one(reading& with, asio::awaitable<Result> coroutine) {
    auto outcome = asio::co_spawn(*with.context, std::move(coroutine), asio::use_future);
    with.run();
    return outcome.get();
}

asio::awaitable<bool> reads_right(reading& with, std::size_t bytes) {
    auto reader = with.opened();
    one_read one{5, bytes};
    auto const got = co_await reader.async_read_some_at(one.offset, asio::buffer(one.data), asio::use_awaitable);
    co_return got == bytes&& with.holds(one.data, one.offset);
}

asio::awaitable<bool> reads_right_by_default(reading& with, std::size_t bytes) {
    using awaiting_reader = asio::use_awaitable_t<>::as_default_on_t<file_reader>;
    awaiting_reader reader{*with.context, *with.engine};
    reader.open(with.path("file"));
    one_read one{5, bytes};
    auto const got = co_await reader.async_read_some_at(one.offset, asio::buffer(one.data));
    auto const all = co_await asio::async_read_at(reader, one.offset, asio::buffer(one.data));
    co_return got == bytes&& all == bytes&& with.holds(one.data, one.offset);
}

asio::awaitable<error_code> error_behind_the_end(reading& with) {
    auto reader = with.opened();
    std::array<std::byte, 1> data{};
    auto const token = asio::as_tuple(asio::use_awaitable);
    auto const [error, got] = co_await reader.async_read_some_at(with.content.size(), asio::buffer(data), token);
    CHECK(got == 0);
    co_return error;
}

asio::awaitable<std::size_t> throws_behind_the_end(reading& with) {
    auto reader = with.opened();
    std::array<std::byte, 1> data{};
    co_return co_await reader.async_read_some_at(with.content.size(), asio::buffer(data), asio::use_awaitable);
}

}  // namespace

TEST_CASE("any completion token works") {
    on_backends([](backend_kind kind) {
        reading with{kind};
        for (auto const bytes : sizes) {
            CAPTURE(bytes);
            CHECK(run_one(with, reads_right(with, bytes)));
            CHECK(run_one(with, reads_right_by_default(with, bytes)));

            auto reader = with.opened();
            one_read one{5, bytes};
            auto future = reader.async_read_some_at(one.offset, asio::buffer(one.data), asio::use_future);
            with.run();
            CHECK(future.get() == bytes);

            auto later = reader.async_read_some_at(one.offset, asio::buffer(one.data), asio::deferred);
            with.run();
            CHECK_FALSE(one.result.error);
            std::move(later)(one.result.callback());
            with.run();
            CHECK(one.right(with));

            std::size_t moved = 0;
            auto const buffer = asio::buffer(one.data);
            reader.async_read_some_at(0, buffer,
                                      [&moved, owned = std::make_unique<std::size_t>(1)](error_code, std::size_t got) {
                                          moved = got + *owned;
                                      });
            with.run();
            CHECK(moved == bytes + 1);
        }
        CHECK(run_one(with, error_behind_the_end(with)) == asio::error::eof);
        CHECK_THROWS_AS(run_one(with, throws_behind_the_end(with)), boost::system::system_error);
    });
}

TEST_CASE("the handler's executor and allocator are used, and its memory is free again when it runs") {
    on_backends([](backend_kind kind) {
        reading with{kind};
        auto reader = with.opened();
        for (auto const bytes : sizes) {
            CAPTURE(bytes);
            asio::io_context elsewhere;
            auto const strand = asio::make_strand(elsewhere);
            std::array<int, 2> allocations{};  // living, ever
            one_read one{5, bytes};
            bool on_strand = false;
            int living_inside = -1;
            auto const handler = [&](error_code error, std::size_t got) {
                one.result.callback()(error, got);
                on_strand = strand.running_in_this_thread();
                living_inside = allocations[0];
            };
            reader.async_read_some_at(
                one.offset, asio::buffer(one.data),
                asio::bind_executor(strand,
                                    asio::bind_allocator(counting_allocator<std::byte>{allocations.data()}, handler)));
            elsewhere.run();  // has work as long as the read is in flight
            CHECK(one.right(with));
            CHECK(on_strand);
            CHECK(living_inside == 0);
            CHECK(allocations[0] == 0);
            CHECK(allocations[1] >= 2);  // the record, and what was posted
            with.run();
        }
    });
}

}  // namespace submitit

TEST_SUITE_END();
