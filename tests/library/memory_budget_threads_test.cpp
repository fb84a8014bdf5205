// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <atomic>
#include <random>
#include <vector>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "submitit/memory_budget.hpp"

TEST_SUITE_BEGIN("library/memory_budget threads");

namespace submitit {
namespace {

namespace asio = boost::asio;

struct shared_figures {
    std::atomic<std::uint64_t> held{0};
    std::atomic<std::uint64_t> exceeded{0};
    std::atomic<std::uint64_t> granted{0};
    std::atomic<std::uint64_t> finished{0};
};

constexpr std::uint64_t limit = 1000;

asio::awaitable<void> client(memory_budget& budget, shared_figures& figures, unsigned seed) {
    std::mt19937 random{seed};
    for (int round = 0; round < 200; ++round) {
        auto const bytes = 1 + random() % limit;
        auto lease = co_await budget.async_acquire(bytes, asio::use_awaitable);
        if (figures.held.fetch_add(bytes) + bytes > limit) figures.exceeded.fetch_add(1);
        figures.granted.fetch_add(1);
        if (random() % 2 == 0) {
            auto const executor = co_await asio::this_coro::executor;
            co_await asio::post(executor, asio::use_awaitable);
        }
        auto const kept = bytes / 2;
        figures.held.fetch_sub(bytes - kept);
        lease.shrink(kept);
        figures.held.fetch_sub(kept);
    }
    figures.finished.fetch_add(1);
}

}  // namespace

TEST_CASE("many coroutines on many threads all get their turn, and together never hold more than the limit") {
    auto const seed = std::random_device{}();
    CAPTURE(seed);
    shared_figures figures;
    asio::thread_pool pool{4};
    memory_budget budget{pool, limit};
    constexpr unsigned clients = 32;
    for (unsigned i = 0; i < clients; ++i) {
        asio::co_spawn(pool, client(budget, figures, seed + i), [](std::exception_ptr const& thrown) {
            if (thrown) std::rethrow_exception(thrown);
        });
    }
    pool.join();
    CHECK(figures.finished.load() == clients);
    CHECK(figures.granted.load() == clients * 200);
    CHECK(figures.exceeded.load() == 0);
    CHECK(budget.used_bytes() == 0);
    CHECK(budget.high_water_bytes() <= limit);
}

TEST_CASE("requests that are cancelled while others give back complete exactly once") {
    auto const seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937 random{seed};
    asio::thread_pool pool{4};
    memory_budget budget{pool, 10};
    std::atomic<int> completed{0};
    constexpr int requests = 2000;
    std::vector<asio::cancellation_signal> signals(requests);
    for (auto& signal : signals) {
        budget.async_acquire(
            1 + random() % 10,
            asio::bind_cancellation_slot(
                signal.slot(), [&completed](boost::system::error_code, memory_lease) { completed.fetch_add(1); }));
        if (random() % 2 == 0) asio::post(pool, [&signal] { signal.emit(asio::cancellation_type::total); });
    }
    pool.join();
    CHECK(completed.load() == requests);
    CHECK(budget.used_bytes() == 0);
    CHECK(budget.waiting() == 0);
}

}  // namespace submitit

TEST_SUITE_END();
