// SPDX-License-Identifier: Apache-2.0
#include "memory/budget.hpp"

#include <doctest/doctest.h>

#include <limits>

#include "base/errc.hpp"
#include "memory/watched_budget.hpp"

using namespace submitit;
using namespace submitit::memory;
using submitit::memory::test::watched_budget;

namespace {

/// A job whose tickets hold at most `bytes`, and no slots.
booking reserve_of(std::uint64_t bytes) { return {.head_reserve = {bytes, 0}}; }

}  // namespace

TEST_SUITE("memory/budget") {
    TEST_CASE("the head draws on the reserve, the tickets behind it on the pool, in order") {
        watched_budget b{{100, 0}};
        auto const a = b.open(reserve_of(30));
        b.ask(a, {30, 0}, 4);
        CHECK(b.news() == "A+ A0 A1 A2");
        CHECK(b.stats().grants_from_reserve == 1);
        CHECK(b.stats().grants_from_pool == 2);
        CHECK(b.stats().used_bytes == 90);
        b.retire(a, 0);
        CHECK(b.news() == "");  // ticket 1 is head now, keeps its pool bytes, and 10 are free
        b.retire(a, 1);
        CHECK(b.news() == "A3");
    }

    TEST_CASE("a ticket that does not fit is not overtaken by a smaller one of its job") {
        watched_budget b{{100, 0}};
        auto const a = b.open(reserve_of(60));
        b.ask(a, {60, 0});
        b.ask(a, {50, 0});
        b.ask(a, {10, 0});
        CHECK(b.news() == "A+ A0");
        b.retire(a, 0);
        CHECK(b.news() == "A1 A2");
    }

    TEST_CASE("a ticket granted from the pool that becomes head leaves the reserve to the next head") {
        watched_budget b{{80, 0}};
        auto const a = b.open(reserve_of(40));
        b.ask(a, {40, 0}, 3);
        CHECK(b.news() == "A+ A0 A1");
        b.retire(a, 0);
        CHECK(b.core().head(a) == 1);
        CHECK(b.stats().used_bytes == 40);
        CHECK(b.stats().committed_bytes == 80);
        b.retire(a, 1);
        CHECK(b.news() == "A2");
        CHECK(b.stats().grants_from_reserve == 2);
    }

    TEST_CASE("with a shared pool of zero bytes every job is serial and finishes") {
        watched_budget b{{30, 3}};
        job_id jobs[3];
        for (auto& j : jobs) j = b.open({.head_reserve = {10, 1}});
        for (auto j : jobs) b.ask(j, {10, 1}, 5);
        CHECK(b.news() == "A+ B+ C+ A0 B0 C0");
        for (ticket_seq seq = 0; seq < 5; ++seq) {
            for (auto j : jobs) b.retire(j, seq);
            CHECK(b.stats().grants_from_reserve == std::min<std::uint64_t>(3 * (seq + 2), 15));
        }
        CHECK(b.stats().grants_from_pool == 0);
        CHECK(b.stats().used_bytes == 0);
        for (auto j : jobs) b.close(j);
        b.check_all_returned();
    }

    TEST_CASE("tickets may retire out of order, and the head is the smallest that has not") {
        watched_budget b{{40, 0}};
        auto const a = b.open(reserve_of(10));
        b.ask(a, {10, 0}, 6);
        CHECK(b.news() == "A+ A0 A1 A2 A3");
        b.retire(a, 2);
        CHECK(b.core().head(a) == 0);
        CHECK(b.news() == "A4");
        b.retire(a, 0);  // gives the reserve back, which only a head may use
        CHECK(b.core().head(a) == 1);
        CHECK(b.news() == "");
        b.retire(a, 1);
        CHECK(b.core().head(a) == 3);
        CHECK(b.news() == "A5");
    }

    TEST_CASE("a window of n grants no ticket at or past head + n") {
        watched_budget b{{1000, 0}};
        std::uint64_t window = 0;
        std::string at_once;
        SUBCASE("1: the head alone") { window = 1, at_once = "A+ A0"; }
        SUBCASE("3") { window = 3, at_once = "A+ A0 A1 A2"; }
        SUBCASE("0: as many as fit") { window = 0, at_once = "A+ A0 A1 A2 A3 A4"; }
        auto const a = b.open({.head_reserve = {10, 0}, .window_tickets = window});
        b.ask(a, {10, 0}, 5);
        CHECK(b.news() == at_once);
        b.retire(a, 0);
        CHECK(b.news() == (window == 0 ? "" : "A" + std::to_string(window)));
    }

    TEST_CASE("slots are as scarce as bytes") {
        watched_budget b{{1'000'000, 4}};
        auto const a = b.open({.head_reserve = {10, 2}});
        b.ask(a, {10, 1}, 5);
        CHECK(b.news() == "A+ A0 A1 A2");  // two slots are reserved, two shared
        CHECK(b.stats().used_slots == 3);
        CHECK(b.stats().committed_slots == 4);
        auto const c = b.open({.head_reserve = {10, 2}});
        CHECK(b.news() == "");
        b.shrink(a, 1, {10, 0});
        CHECK(b.news() == "");  // one slot is free, the booking wants two
        b.retire(a, 2);
        CHECK(b.news() == "B+");
        b.ask(c, {10, 2});
        CHECK(b.news() == "B0");
    }

    TEST_CASE("shrinking a pool grant frees its bytes at once; shrinking the reserve's frees nothing for others") {
        watched_budget b{{100, 0}};
        auto const a = b.open(reserve_of(50));
        b.ask(a, {50, 0}, 2);
        b.ask(a, {20, 0});
        CHECK(b.news() == "A+ A0 A1");
        b.shrink(a, 0, {5, 0});
        CHECK(b.news() == "");
        CHECK(b.stats().used_bytes == 55);
        CHECK(b.stats().committed_bytes == 100);
        b.shrink(a, 1, {30, 0});
        CHECK(b.news() == "A2");
        b.shrink(a, 1, {30, 0});  // to what it holds already
        CHECK(b.stats().used_bytes == 55);
        CHECK(b.stats().high_water_bytes == 100);
    }

    TEST_CASE("cancel forgets what was not granted, and granted tickets are retired as usual") {
        watched_budget b{{40, 0}};
        auto const a = b.open(reserve_of(10));
        auto const c = b.open(reserve_of(10));
        b.ask(a, {10, 0}, 9);
        b.ask(c, {10, 0}, 3);
        CHECK(b.news() == "A+ B+ A0 A1 A2 B0");
        CHECK_FALSE(b.cancel(a));
        CHECK(b.news() == "");
        b.retire(a, 2);
        CHECK(b.news() == "B1");
        b.retire(a, 0);
        b.retire(a, 1);
        CHECK(b.news() == "B2");
        b.close(a);
        CHECK(b.stats().committed_bytes == 30);
    }
}

TEST_SUITE("memory/budget booking") {
    TEST_CASE("bookings are first come first served: a small one does not overtake a large one") {
        watched_budget b{{100, 0}};
        auto const a = b.open(reserve_of(60));
        b.open(reserve_of(50));
        b.open(reserve_of(10));
        CHECK(b.news() == "A+");
        b.close(a);
        CHECK(b.news() == "B+ C+");
    }

    TEST_CASE("a booking is taken from what is free, not from what is not reserved") {
        watched_budget b{{100, 0}};
        auto const a = b.open(reserve_of(40));
        b.ask(a, {40, 0});
        b.ask(a, {30, 0});
        CHECK(b.news() == "A+ A0 A1");
        b.open(reserve_of(40));  // 40 + 40 reserved would be within 100, but 30 of the rest are lent out
        CHECK(b.news() == "");
        b.retire(a, 1);
        CHECK(b.news() == "B+");
    }

    TEST_CASE("while a booking waits nothing comes from the pool, and heads go on") {
        watched_budget b{{100, 0}};
        auto const a = b.open(reserve_of(20));
        auto const c = b.open(reserve_of(20));
        b.ask(a, {20, 0}, 6);
        CHECK(b.news() == "A+ B+ A0 A1 A2 A3");
        b.open(reserve_of(60));
        b.retire(a, 3);
        b.retire(a, 2);
        CHECK(b.news() == "");  // 40 are free, and ticket 4 would fit
        b.ask(c, {20, 0}, 2);
        CHECK(b.news() == "B0");
        b.retire(a, 0);
        b.retire(a, 1);
        CHECK(b.news() == "C+ A4");
        CHECK(b.stats().committed_bytes == 100);
    }

    TEST_CASE("a booking too large for the limit fails at once, and needed_for names the least limit that works") {
        booking const wanted{.head_reserve = {700, 5}, .fixed_bytes = 80};
        auto const open_under = [&](std::uint64_t limit, std::uint32_t slots) {
            budget b{limit, slots};
            REQUIRE(b.reserve_engine(20));
            return b.open_job(wanted);
        };
        budget b{100, 5};
        REQUIRE(b.reserve_engine(20));
        auto const needed = b.needed_for(wanted);
        CHECK(needed == 800);
        CHECK(b.open_job(wanted).error() == errc::budget_too_small);
        CHECK(open_under(needed - 1, 5).error() == errc::budget_too_small);
        CHECK(open_under(needed, 4).error() == errc::budget_too_small);
        CHECK(open_under(needed, 5).has_value());
    }

    TEST_CASE("absurd sizes are refused, not wrapped around") {
        auto const most = std::numeric_limits<std::uint64_t>::max();
        budget b{1000, 1};
        REQUIRE(b.reserve_engine(10));
        booking const wanted{.head_reserve = {most - 5, 0}, .fixed_bytes = 100};
        CHECK(b.needed_for(wanted) == most);
        CHECK(b.open_job(wanted).error() == errc::budget_too_small);
        CHECK(b.reserve_engine(most).error() == errc::budget_too_small);
        CHECK(b.stats().used_bytes == 10);
    }

    TEST_CASE("a refused booking leaves no trace") {
        watched_budget b{{100, 0}};
        auto const a = b.open(reserve_of(50));
        CHECK_FALSE(b.core().open_job(reserve_of(101)).has_value());
        b.ask(a, {50, 0}, 2);
        CHECK(b.news() == "A+ A0 A1");
    }

    TEST_CASE("fixed bytes count as used until the job is closed") {
        watched_budget b{{100, 0}, 10};
        auto const a = b.open({.head_reserve = {40, 0}, .fixed_bytes = 25});
        CHECK(b.stats().used_bytes == 35);
        CHECK(b.stats().committed_bytes == 75);
        b.ask(a, {40, 0}, 2);
        CHECK(b.news() == "A+ A0");  // 25 are free
        b.retire(a, 0);
        b.retire(a, 1);
        b.close(a);
        b.check_all_returned();
        CHECK(b.stats().used_bytes == 10);
        CHECK(b.stats().high_water_bytes == 75);
    }

    TEST_CASE("a job may ask before it is booked, and its tickets wait") {
        watched_budget b{{100, 0}};
        auto const a = b.open(reserve_of(80));
        auto const c = b.open(reserve_of(30));
        b.ask(c, {30, 0}, 2);
        CHECK(b.news() == "A+");
        b.close(a);
        CHECK(b.news() == "B+ B0 B1");
    }

    TEST_CASE("a waiting job that is withdrawn makes way for the next and unblocks the pool") {
        watched_budget b{{100, 0}};
        auto const a = b.open(reserve_of(30));
        auto const c = b.open(reserve_of(90));
        b.ask(a, {30, 0}, 2);
        b.open(reserve_of(30));
        CHECK(b.news() == "A+ A0");
        SUBCASE("by cancel, which closes it") { CHECK(b.cancel(c)); }
        SUBCASE("by close_job") { b.close(c); }
        CHECK(b.news() == "C+ A1");
    }

    TEST_CASE("a booking withdrawn before its grant was taken is not reported") {
        budget b{100, 0};
        auto const a = b.open_job(reserve_of(10));
        b.close_job(*a);
        CHECK(b.take_grants().empty());
        CHECK(b.stats().committed_bytes == 0);
    }

    TEST_CASE("the engine cannot take what is lent out, or what a waiting booking will need") {
        watched_budget b{{100, 0}};
        auto const a = b.open(reserve_of(40));
        b.open(reserve_of(90));
        CHECK(b.core().reserve_engine(61).error() == errc::budget_too_small);
        CHECK(b.core().reserve_engine(11).error() == errc::budget_too_small);
        CHECK(b.stats().committed_bytes == 40);
        CHECK(b.core().reserve_engine(10));
        CHECK(b.core().stats().engine_bytes == 10);
        b.core().close_job(a);
        CHECK(b.core().take_grants().size() == 1);
    }
}
