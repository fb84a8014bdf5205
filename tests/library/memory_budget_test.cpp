// SPDX-License-Identifier: Apache-2.0
#include "submitit/memory_budget.hpp"

#include <doctest/doctest.h>

#include <array>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/system/system_error.hpp>

#include "library/counting_allocator.hpp"
#include "submitit/error.hpp"

TEST_SUITE_BEGIN("library/memory_budget");

namespace submitit {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

/// What a callback was told.
struct outcome {
    std::optional<error_code> error;
    memory_lease lease;

    auto callback() {
        return [this](error_code told, memory_lease given) {
            error = told;
            lease = std::move(given);
        };
    }
};

asio::awaitable<std::uint64_t> hold_and_return(memory_budget& budget, std::uint64_t bytes) {
    auto lease = co_await budget.async_acquire(bytes, asio::use_awaitable);
    co_return lease.bytes();
}

asio::awaitable<error_code> refused(memory_budget& budget, std::uint64_t bytes) {
    auto const token = asio::as_tuple(asio::use_awaitable);
    auto const [error, lease] = co_await budget.async_acquire(bytes, token);
    CHECK(lease.bytes() == 0);
    co_return error;
}

}  // namespace

TEST_CASE("a lease takes bytes, shrinks, and gives them back when it goes, also after its budget") {
    asio::io_context context;
    memory_lease kept;
    {
        memory_budget budget{context, 100};
        auto first = budget.try_acquire(60);
        CHECK(first.bytes() == 60);
        CHECK(budget.try_acquire(41).bytes() == 0);
        CHECK(budget.used_bytes() == 60);
        first.shrink(10);
        first.shrink(50);  // never grows
        CHECK(first.bytes() == 10);
        CHECK(budget.used_bytes() == 10);
        kept = budget.try_acquire(90);
        CHECK(budget.high_water_bytes() == 100);
        first = std::move(kept);  // what it held goes back
        CHECK(first.bytes() == 90);
        CHECK(budget.used_bytes() == 90);
        first.release();
        first.release();
        CHECK(budget.used_bytes() == 0);
        kept = budget.try_acquire(7);
    }
    CHECK(kept.bytes() == 7);
}

TEST_CASE("nothing completes inside the call, and requests are granted in order, never past one that waits") {
    asio::io_context context;
    memory_budget budget{context, 100};
    std::array<outcome, 4> asked;
    auto const turn = [&context] {
        context.restart();  // it stops when nothing waits any more
        context.poll();
    };
    budget.async_acquire(80, asked[0].callback());
    CHECK_FALSE(asked[0].error);
    budget.async_acquire(30, asked[1].callback());
    budget.async_acquire(10, asked[2].callback());  // would fit, but came later
    CHECK(budget.waiting() == 2);
    CHECK(budget.try_acquire(1).bytes() == 0);
    turn();
    CHECK(asked[0].lease.bytes() == 80);
    CHECK_FALSE(asked[1].error);
    asked[0].lease.shrink(70);
    CHECK_FALSE(asked[1].error);  // posted, not called
    turn();
    CHECK(asked[1].lease.bytes() == 30);
    CHECK_FALSE(asked[2].error);
    asked[0].lease.release();
    turn();
    CHECK(asked[2].lease.bytes() == 10);
    budget.async_acquire(0, asked[3].callback());
    turn();
    REQUIRE(asked[3].error);
    CHECK_FALSE(*asked[3].error);
}

TEST_CASE("what can never fit fails at once, without waiting behind others") {
    asio::io_context context;
    memory_budget budget{context, 100};
    auto const all = budget.try_acquire(100);
    outcome waits;
    outcome never;
    budget.async_acquire(1, waits.callback());
    budget.async_acquire(101, never.callback());
    CHECK_FALSE(never.error);
    context.poll();
    REQUIRE(never.error);
    CHECK(*never.error == errc::budget_too_small);
    CHECK_FALSE(waits.error);
}

TEST_CASE("any completion token works") {
    asio::io_context context;
    memory_budget budget{context, 100};
    SUBCASE("use_awaitable") {
        std::uint64_t bytes = 0;
        asio::co_spawn(context, hold_and_return(budget, 40),
                       [&bytes](std::exception_ptr const& thrown, std::uint64_t got) {
                           CHECK(thrown == nullptr);
                           bytes = got;
                       });
        context.run();
        CHECK(bytes == 40);
    }
    SUBCASE("use_awaitable throws the error") {
        bool threw = false;
        asio::co_spawn(context, hold_and_return(budget, 101),
                       [&threw](std::exception_ptr const& thrown, std::uint64_t) {
                           REQUIRE(thrown != nullptr);
                           try {
                               std::rethrow_exception(thrown);
                           } catch (boost::system::system_error const& error) {
                               threw = error.code() == errc::budget_too_small;
                           }
                       });
        context.run();
        CHECK(threw);
    }
    SUBCASE("as_tuple") {
        error_code error;
        asio::co_spawn(context, refused(budget, 101),
                       [&error](std::exception_ptr const&, error_code got) { error = got; });
        context.run();
        CHECK(error == errc::budget_too_small);
    }
    SUBCASE("use_future") {
        auto future = budget.async_acquire(40, asio::use_future);
        context.run();
        CHECK(future.get().bytes() == 40);
    }
    SUBCASE("deferred") {
        auto later = budget.async_acquire(40, asio::deferred);
        context.run();
        CHECK(budget.used_bytes() == 0);  // nothing happens before it is called
        outcome asked;
        std::move(later)(asked.callback());
        context.restart();
        context.run();
        CHECK(asked.lease.bytes() == 40);
    }
    SUBCASE("a move-only callback") {
        std::uint64_t bytes = 0;
        budget.async_acquire(40, [&bytes, owned = std::make_unique<int>(1)](error_code, memory_lease lease) {
            bytes = lease.bytes() + static_cast<std::uint64_t>(*owned);
        });
        context.run();
        CHECK(bytes == 41);
    }
    CHECK(budget.used_bytes() == 0);
}

TEST_CASE("the handler's executor and allocator are used") {
    asio::io_context context;
    asio::io_context elsewhere;
    memory_budget budget{context, 100};
    auto all = budget.try_acquire(100);
    std::array<int, 2> allocations{};  // living, ever
    bool called = false;
    bool on_strand = false;
    auto const strand = asio::make_strand(elsewhere);
    budget.async_acquire(
        40, asio::bind_executor(strand, asio::bind_allocator(testing::counting_allocator<std::byte>{allocations.data()},
                                                             [&](error_code, memory_lease const&) {
                                                                 called = true;
                                                                 on_strand = strand.running_in_this_thread();
                                                             })));
    CHECK(allocations[0] > 0);
    all.release();
    elsewhere.run();  // has work as long as the request waits
    CHECK(called);
    CHECK(on_strand);
    CHECK(allocations[0] == 0);
    context.run();
}

TEST_CASE("a waiting request keeps its io_context running") {
    asio::io_context context;
    memory_budget budget{context, 1};
    auto lease = budget.try_acquire(1);
    outcome asked;
    budget.async_acquire(1, asked.callback());
    CHECK(context.poll() == 0);
    CHECK_FALSE(context.stopped());
    lease.release();
    CHECK(context.run() > 0);
    CHECK(asked.lease.bytes() == 1);
}

TEST_CASE("cancelling takes the request out of the queue, whatever the type, and lets the next one pass") {
    for (auto const type :
         {asio::cancellation_type::terminal, asio::cancellation_type::partial, asio::cancellation_type::total}) {
        asio::io_context context;
        memory_budget budget{context, 100};
        auto const half = budget.try_acquire(50);
        asio::cancellation_signal signal;
        outcome large;
        outcome small;
        budget.async_acquire(60, asio::bind_cancellation_slot(signal.slot(), large.callback()));
        budget.async_acquire(50, small.callback());
        signal.emit(type);
        CHECK_FALSE(large.error);
        context.run();
        REQUIRE(large.error);
        CHECK(*large.error == asio::error::operation_aborted);
        CHECK(small.lease.bytes() == 50);
        signal.emit(type);  // long over
        CHECK(budget.used_bytes() == 100);
    }
}

TEST_CASE("cancel() and the end of the budget abort all that waits, once") {
    asio::io_context context;
    std::array<outcome, 3> asked;
    memory_lease all;
    {
        memory_budget budget{context, 10};
        all = budget.try_acquire(10);
        budget.async_acquire(1, asked[0].callback());
        budget.cancel();
        budget.async_acquire(1, asked[1].callback());
        budget.async_acquire(1, asked[2].callback());
    }
    context.run();
    for (auto const& one : asked) {
        REQUIRE(one.error);
        CHECK(*one.error == asio::error::operation_aborted);
    }
}

TEST_CASE("handlers that an io_context takes with it free what they hold") {
    auto shared = std::make_shared<int>(1);
    std::optional<memory_budget> budget;
    {
        asio::io_context context;
        budget.emplace(context, 100);
        budget->async_acquire(100, [shared](error_code, memory_lease const&) {});  // posted, never run
        budget->async_acquire(100, [shared](error_code, memory_lease const&) {});  // waits
        CHECK(shared.use_count() == 3);
    }
    CHECK(shared.use_count() == 1);
    budget->cancel();                  // what waited has gone; nobody is called
    CHECK(budget->used_bytes() == 0);  // the granted lease went with its handler
}

}  // namespace submitit

TEST_SUITE_END();
