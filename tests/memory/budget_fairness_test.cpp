// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "base/sizes.hpp"
#include "memory/watched_budget.hpp"

using namespace submitit;
using namespace submitit::memory;
using submitit::memory::test::watched_budget;

namespace {

/// Jobs whose heads stay in flight all the time, so that every further ticket comes from the pool, over a device that
/// finishes one ticket at a time in the order they were granted.
class pool_run {
public:
    explicit pool_run(request limit) : budget_{limit} {}

    job_id add(request reserve, std::uint32_t weight = 1) {
        auto const id = budget_.open({.head_reserve = reserve, .weight = weight});
        budget_.ask(id, {});
        wanted_.push_back({});
        seen_.push_back(1);
        return id;
    }

    /// From now on `id` always has ten tickets waiting, new ones of size `wanted`; {} stops its asking.
    void backlog(job_id id, request wanted) {
        wanted_[id] = wanted;
        refill();
    }

    /// Finishes the oldest ticket of the pool.
    void finish_one() {
        REQUIRE_FALSE(in_pool_.empty());
        auto const [id, seq] = in_pool_.front();
        in_pool_.pop_front();
        budget_.retire(id, seq);
        refill();
    }

    [[nodiscard]] std::uint64_t drawn(job_id id) const { return budget_.book(id).drawn.bytes; }
    [[nodiscard]] std::uint64_t next_wanted(job_id id) const { return budget_.book(id).asked.front().bytes; }
    [[nodiscard]] std::uint64_t held(job_id id) const {
        std::uint64_t bytes = 0;
        for (auto const& [seq, ticket] : budget_.book(id).in_flight) bytes += ticket.held.bytes;
        return bytes;
    }

private:
    void refill() {
        for (bool asked = true; asked;) {
            asked = false;
            for (job_id id = 0; id < wanted_.size(); ++id) {
                if (wanted_[id] == request{} || budget_.book(id).asked.size() >= 10) continue;
                budget_.ask(id, wanted_[id]);
                asked = true;
            }
            collect();
        }
    }

    void collect() {
        for (job_id id = 0; id < seen_.size(); ++id)
            for (; seen_[id] < budget_.book(id).next; ++seen_[id]) in_pool_.emplace_back(id, seen_[id]);
    }

    watched_budget budget_;
    std::vector<request> wanted_;
    std::vector<ticket_seq> seen_;
    std::deque<std::pair<job_id, ticket_seq>> in_pool_;
};

}  // namespace

TEST_SUITE("memory/budget fairness") {
    TEST_CASE(
        "where nobody's share holds a ticket, jobs draw in proportion to their weights, within a fixed distance") {
        std::uint64_t cost = 0;
        SUBCASE("tickets smaller than the quantum") { cost = 100 * KiB; }
        SUBCASE("tickets of the quantum") { cost = MiB; }
        SUBCASE("tickets of several quanta") { cost = 5 * MiB + 17; }
        pool_run run{{4 * cost, 0}};  // one ticket is shared
        std::vector<std::uint64_t> const weights{1, 2, 4};
        for (auto w : weights) run.add({cost, 0}, static_cast<std::uint32_t>(w));
        for (job_id id = 0; id < 3; ++id) run.backlog(id, {cost, 0});
        std::uint64_t const start[] = {run.drawn(0), run.drawn(1), run.drawn(2)};

        // Each job's deficit lies between 0 and a ticket plus a quantum, at the start and at any end.
        auto const farthest = static_cast<double>(2 * (cost + MiB));
        double worst = 0;
        for (int i = 0; i < 3000; ++i) {
            run.finish_one();
            double share[3];
            for (job_id id = 0; id < 3; ++id)
                share[id] = static_cast<double>(run.drawn(id) - start[id]) / static_cast<double>(weights[id]);
            worst = std::max(worst, *std::max_element(share, share + 3) - *std::min_element(share, share + 3));
        }
        CHECK(worst <= farthest);
        CHECK(run.drawn(0) - start[0] > 3000 * cost / 8);  // a seventh was due
    }

    TEST_CASE("backlogged jobs share the pool in proportion to their weights") {
        pool_run run{{(70 + 3) * MiB, 0}};
        for (auto weight : {1U, 2U, 4U}) run.add({MiB, 0}, weight);
        for (job_id id = 0; id < 3; ++id) run.backlog(id, {MiB, 0});  // the first takes all there is
        for (int i = 0; i < 1000; ++i) run.finish_one();
        for (job_id id : {0U, 1U, 2U}) CHECK(run.held(id) == (std::uint64_t{10} << id) * MiB);
    }

    TEST_CASE("a job that finishes slowly takes no more than its share from one that is fast") {
        watched_budget b{{22 * MiB, 0}};
        auto const slow = b.open({.head_reserve = {MiB, 0}});
        auto const fast = b.open({.head_reserve = {MiB, 0}});
        for (auto j : {slow, fast}) b.ask(j, {});
        b.ask(slow, {MiB, 0}, 1000);
        b.ask(fast, {MiB, 0}, 1000);
        CHECK(b.book(slow).drawn.bytes == 20 * MiB);
        for (ticket_seq seq = 1; seq <= 20; ++seq) b.retire(slow, seq);
        for (ticket_seq seq = 1; seq <= 500; ++seq) b.retire(fast, seq);
        CHECK(b.book(fast).drawn.bytes == 510 * MiB);
        CHECK(b.book(slow).in_flight.size() == 1 + 10);
    }

    TEST_CASE("jobs take turns in the pool, a quantum of 1 MiB a weight each") {
        std::uint64_t cost = MiB;
        std::uint32_t weight = 1;
        std::string order;
        SUBCASE("tickets of a quantum") { order = "A1 B1 A2 B2 A3 B3 A4 B4"; }
        SUBCASE("tickets of half a quantum") { cost = MiB / 2, order = "A1 A2 B1 B2 A3 A4 B3 B4"; }
        SUBCASE("the second job has twice the weight") { weight = 2, order = "A1 B1 B2 A2 B3 B4 A3 B5"; }
        SUBCASE("and tickets take two quanta") { cost = 2 * MiB, weight = 2, order = "B1 A1 B2 B3 A2 B4 B5 A3"; }
        watched_budget b{{24 * cost, 0}};
        auto const a = b.open({.head_reserve = {cost, 0}});
        auto const c = b.open({.head_reserve = {cost, 0}, .weight = weight});
        auto const anchor = b.open({.head_reserve = {cost, 0}, .weight = 1'000'000});  // leaves the others no share
        b.ask(anchor, {});
        b.ask(anchor, {1, 0});
        auto const pause = b.open({.head_reserve = {24 * cost, 0}});
        for (auto j : {a, c}) {
            b.ask(j, {});
            b.ask(j, {cost, 0}, 100);
        }
        (void)b.news();
        b.cancel(pause);
        CHECK(b.news().substr(0, order.size()) == order);
    }

    TEST_CASE("slots are shared out fairly where they are what is scarce") {
        pool_run run{{64 * GiB, 45}};  // 40 slots are shared
        auto const greedy = run.add({MiB, 4});
        auto const modest = run.add({MiB, 1});
        run.backlog(greedy, {1, 4});
        run.backlog(modest, {1, 1});
        for (int i = 0; i < 2000; ++i) run.finish_one();
        auto const ratio = static_cast<double>(run.drawn(modest)) / static_cast<double>(run.drawn(greedy));
        CHECK(ratio > 3.5);  // one byte a ticket: tickets of one slot against tickets of four
        CHECK(ratio < 4.5);
    }

    TEST_CASE("a ticket of many quanta is granted at once when it fits") {
        watched_budget b{{100 * GiB, 0}};
        auto const a = b.open({.head_reserve = {40 * GiB, 0}});
        b.ask(a, {1, 0});
        b.ask(a, {40 * GiB, 0});
        CHECK(b.news() == "A+ A0 A1");
    }

    TEST_CASE("small tickets that always fit do not starve a large one") {
        pool_run run{{25 * MiB, 0}};  // 16 MiB are shared
        auto const small = run.add({MiB, 0});
        auto const large = run.add({8 * MiB, 0});
        run.backlog(small, {MiB, 0});  // takes the whole pool
        CHECK(run.drawn(small) == 16 * MiB);
        run.backlog(large, {8 * MiB, 0});
        for (int i = 0; i < 1000; ++i) run.finish_one();
        auto const of_large = static_cast<double>(run.drawn(large));
        auto const of_small = static_cast<double>(run.drawn(small));
        CHECK(of_large / (of_large + of_small) > 0.4);
        CHECK(of_large / (of_large + of_small) < 0.6);
    }

    TEST_CASE("a stalled job that borrowed, and a large ticket that waits for it, stop nobody within their share") {
        watched_budget b{{42 * MiB, 0}};
        auto const stalled = b.open({.head_reserve = {MiB, 0}});
        auto const large = b.open({.head_reserve = {10 * MiB, 0}});
        auto const small = b.open({.head_reserve = {MiB, 0}});  // 30 MiB are shared, 10 for each
        for (auto j : {stalled, large, small}) b.ask(j, {});
        b.ask(stalled, {MiB, 0}, 21);
        b.ask(large, {10 * MiB, 0});
        b.ask(stalled, {MiB, 0});
        CHECK(b.book(stalled).drawn.bytes == 21 * MiB);  // one more would fit, but is the large one's
        CHECK(b.book(large).drawn.bytes == 0);

        b.ask(small, {MiB, 0}, 100);
        CHECK(b.book(small).drawn.bytes == 9 * MiB);  // all there is
        for (ticket_seq seq = 1; seq <= 50; ++seq) b.retire(small, seq);
        CHECK(b.book(small).drawn.bytes == 59 * MiB);

        for (ticket_seq seq = 1; seq <= 10; ++seq) b.retire(stalled, seq);
        CHECK(b.book(small).drawn.bytes == 60 * MiB);  // its share and no more
        CHECK(b.book(large).drawn.bytes == 0);
        b.retire(stalled, 11);
        CHECK(b.book(large).drawn.bytes == 10 * MiB);
        CHECK(b.book(stalled).drawn.bytes == 21 * MiB);
    }

    TEST_CASE("a ticket larger than its job's share does not keep the pool from the others") {
        watched_budget b{{26 * MiB, 0}};
        auto const large = b.open({.head_reserve = {9 * MiB, 0}});
        auto const small = b.open({.head_reserve = {MiB, 0}});  // 16 MiB are shared
        for (auto j : {large, small}) b.ask(j, {});
        b.ask(small, {MiB, 0}, 12);
        b.ask(large, {9 * MiB, 0}, 2);
        b.ask(small, {MiB, 0}, 12);
        CHECK(b.book(small).drawn.bytes == 16 * MiB);
        b.retire(large, 0);
        CHECK(b.book(large).in_flight.at(1).from_reserve);  // and it goes on from its reserve
    }

    TEST_CASE("a job that idled earns no credit for it") {
        pool_run run{{3 * MiB, 0}};
        auto const idle = run.add({MiB, 0});
        auto const busy = run.add({MiB, 0});
        run.backlog(busy, {MiB, 0});
        for (int i = 0; i < 1000; ++i) run.finish_one();
        run.backlog(idle, {MiB, 0});
        auto const before = run.drawn(busy);
        for (int i = 0; i < 100; ++i) run.finish_one();
        CHECK(run.drawn(idle) <= (50 + 4) * MiB);
        CHECK(run.drawn(busy) - before <= (50 + 4) * MiB);
    }

    TEST_CASE("a job that lacked room for long does not make up for it in a burst") {
        pool_run run{{11 * MiB, 0}};
        auto const large = run.add({5 * MiB, 0});
        auto const small = run.add({MiB, 0});  // 5 MiB are shared
        run.backlog(small, {MiB, 0});
        run.backlog(large, {5 * MiB, 0});  // beyond its share
        for (int i = 0; i < 1000; ++i) run.finish_one();
        CHECK(run.drawn(large) == 0);
        run.backlog(small, {});  // the large ones get their chance, and small ones follow them
        run.backlog(large, {MiB, 0});
        while (run.next_wanted(large) != MiB) run.finish_one();
        run.backlog(small, {MiB, 0});
        auto const large_before = run.drawn(large);
        auto const small_before = run.drawn(small);
        for (int i = 0; i < 200; ++i) run.finish_one();
        auto const of_large = static_cast<double>(run.drawn(large) - large_before);
        auto const of_small = static_cast<double>(run.drawn(small) - small_before);
        CHECK(std::abs(of_large - of_small) <= 2 * (5 + 1) * static_cast<double>(MiB));
    }
}
