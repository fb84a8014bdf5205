// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <array>
#include <string>

#include "memory/watched_budget.hpp"

using namespace submitit::memory;
using submitit::memory::test::watched_budget;

namespace {

constexpr ticket_seq tickets_each = 3;

/// Walks every order in which two jobs can ask for three tickets each and retire what was granted, in any order. The
/// watched budgets check each step; a way that ends early is a deadlock.
class every_order {
public:
    enum class closing { with_last_ticket, together };

    every_order(request limit, std::array<booking, 2> const& terms, closing when = closing::with_last_ticket)
        : terms_{terms}, when_{when} {
        watched_budget b{limit};
        for (auto const& t : terms) b.open(t);
        walk(b);
    }

    [[nodiscard]] std::uint64_t ways() const { return ways_; }
    [[nodiscard]] std::uint64_t events() const { return events_; }

private:
    void walk(watched_budget const& from) {
        bool moved = false;
        bool done = true;
        for (job_id id : {0U, 1U}) {
            auto const& book = from.book(id);
            done = done && !book.open;
            if (book.open && book.asked_in_all() < tickets_each) {
                moved = true;
                watched_budget next = from;
                next.ask(id, terms_[id].head_reserve);
                enter(next);
            }
            for (auto const& [seq, ticket] : book.in_flight) {
                moved = true;
                watched_budget next = from;
                next.retire(id, seq);
                close_done(next);
                enter(next);
            }
        }
        if (moved) return;
        if (!done) FAIL("deadlock: a job is left and nothing can happen");
        from.check_all_returned();
        ++ways_;
    }

    void close_done(watched_budget& b) const {
        auto const is_done = [&](job_id id) { return b.book(id).head() == tickets_each; };
        for (job_id id : {0U, 1U})
            if (b.book(id).open && is_done(id) && (when_ == closing::with_last_ticket || is_done(1 - id))) b.close(id);
    }

    void enter(watched_budget const& next) {
        ++events_;
        walk(next);
    }

    std::array<booking, 2> terms_;
    closing when_;
    std::uint64_t ways_ = 0;
    std::uint64_t events_ = 0;
};

/// In how many ways two sequences of 6 events can be merged: 12 over 6.
constexpr std::uint64_t merges_of_6_and_6 = 924;

}  // namespace

TEST_SUITE("memory/budget model") {
    booking const small{.head_reserve = {10, 1}};
    booking const large{.head_reserve = {16, 2}};

    TEST_CASE("every order of two jobs ends: the limit holds one job at a time") {
        CHECK(every_order{{16, 2}, {small, large}}.ways() > 0);
        CHECK(every_order{{16, 2}, {large, small}}.ways() > 0);
    }

    TEST_CASE("every order of two jobs ends: both reserves and a shared pool of zero") {
        // A retire takes the one ticket in flight, so a job's orders are the ways to balance three brackets: 5.
        CHECK(every_order{{26, 3}, {small, large}, every_order::closing::together}.ways() == 5 * 5 * merges_of_6_and_6);
        // What the job that ends first gives back lets the other run ahead: more orders.
        CHECK(every_order{{26, 3}, {small, large}}.ways() > 5 * 5 * merges_of_6_and_6);
    }

    TEST_CASE("every order of two jobs ends: the pool has room for one ticket") {
        CHECK(every_order{{36, 4}, {small, large}}.ways() > 0);
        CHECK(every_order{{42, 5}, {small, large}}.ways() > 0);
    }

    TEST_CASE("every order of two jobs ends: bytes for all, slots for one more") {
        CHECK(every_order{{1000, 5}, {small, large}}.ways() > 0);
    }

    TEST_CASE("every order of two jobs ends: room for everything") {
        // Putting each retire anywhere after its ask, the last ask's first: 1 x 3 x 5 orders in a job.
        CHECK(every_order{{78, 9}, {small, large}}.ways() == 15 * 15 * merges_of_6_and_6);
    }
}
