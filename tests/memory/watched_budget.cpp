// SPDX-License-Identifier: Apache-2.0
#include "memory/watched_budget.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <utility>

namespace submitit::memory::test {
namespace {

/// doctest's own assertions cost too much for several on each of a million events.
void hold(bool truth, char const* claim) {
    if (!truth) FAIL(claim);
}

bool fits(request amount, request room) { return amount.bytes <= room.bytes && amount.slots <= room.slots; }

void add(request& to, request r) {
    to.bytes += r.bytes;
    to.slots += r.slots;
}

void subtract(request& from, request r) {
    hold(fits(r, from), "more is given back than was taken");
    from.bytes -= r.bytes;
    from.slots -= r.slots;
}

request booked_by(booking const& b) { return {b.head_reserve.bytes + b.fixed_bytes, b.head_reserve.slots}; }

}  // namespace

watched_budget::watched_budget(request limit, std::uint64_t engine_bytes)
    : budget_{limit.bytes, limit.slots}, limit_{limit}, engine_bytes_{engine_bytes} {
    REQUIRE(budget_.reserve_engine(engine_bytes));
    add(used_, {engine_bytes, 0});
    add(committed_, {engine_bytes, 0});
    settle();
}

job_id watched_budget::open(booking const& terms) {
    auto const id = budget_.open_job(terms);
    REQUIRE(id.has_value());
    REQUIRE(*id == jobs_.size());
    jobs_.push_back({});
    jobs_.back().terms = terms;
    settle();
    return *id;
}

void watched_budget::ask(job_id id, request wanted, int times) {
    for (int i = 0; i < times; ++i) {
        auto& j = jobs_[id];
        auto const seq = j.asked_in_all();
        j.asked.push_back(wanted);
        budget_.ask(id, seq, wanted);
        settle();
    }
}

void watched_budget::shrink(job_id id, ticket_seq seq, request now) {
    give_back(jobs_[id], jobs_[id].in_flight.at(seq), now);
    budget_.shrink(id, seq, now);
    settle();
}

void watched_budget::retire(job_id id, ticket_seq seq) {
    auto& j = jobs_[id];
    auto& ended = j.in_flight.at(seq);
    give_back(j, ended, {});
    if (!ended.from_reserve) starvation_.retired(ended.pool_number);
    j.in_flight.erase(seq);
    budget_.retire(id, seq);
    settle();
}

bool watched_budget::cancel(job_id id) {
    auto& j = jobs_[id];
    j.asked.clear();
    j.cancelled = true;
    bool const closed = budget_.cancel(id);
    hold(closed == !j.booked, "cancel closes exactly the jobs that wait for their booking");
    if (closed) j.open = false;
    settle();
    return closed;
}

void watched_budget::close(job_id id) {
    auto& j = jobs_[id];
    j.open = false;
    j.asked.clear();
    if (j.booked) {
        subtract(used_, {j.terms.fixed_bytes, 0});
        subtract(committed_, booked_by(j.terms));
    }
    budget_.close_job(id);
    settle();
}

std::string watched_budget::news() { return std::exchange(news_, {}); }

void watched_budget::check_all_returned() const {
    for (auto const& j : jobs_) hold(!j.open, "a job is still open");
    auto const s = budget_.stats();
    hold(s.used_bytes == engine_bytes_ && s.committed_bytes == engine_bytes_, "bytes are missing at the end");
    hold(s.used_slots == 0 && s.committed_slots == 0, "slots are missing at the end");
}

void watched_budget::settle() {
    ++events_;
    pool_drawn_ = false;
    for (auto const& g : budget_.take_grants()) follow(g);
    while (booked_below_ < jobs_.size() && (jobs_[booked_below_].booked || !jobs_[booked_below_].open)) ++booked_below_;
    hold(!pool_drawn_ || !booking_waits(), "the pool was drawn on while a booking waits");
    check_books();
    check_waiting();
    check_starvation();
}

void watched_budget::follow(grant const& g) {
    if (!news_.empty()) news_ += ' ';
    news_ += static_cast<char>('A' + static_cast<char>(g.job % 26));
    if (!g.booked) return follow_ticket(g.job, g.seq);
    news_ += '+';
    auto& j = jobs_[g.job];
    hold(j.open && !j.booked, "a booking is granted once, to an open job");
    for (job_id before = booked_below_; before < g.job; ++before)
        hold(jobs_[before].booked || !jobs_[before].open, "a booking overtook another");
    j.booked = true;
    add(used_, {j.terms.fixed_bytes, 0});
    add(committed_, booked_by(j.terms));
    hold(fits(committed_, limit_), "a booking does not fit what is free");
}

void watched_budget::follow_ticket(job_id id, ticket_seq seq) {
    news_ += std::to_string(seq);
    auto& j = jobs_[id];
    hold(j.open && j.booked && !j.cancelled, "tickets are granted to running jobs only");
    hold(!j.asked.empty() && seq == j.next, "tickets of a job are granted in order");
    bool const is_head = seq == j.head();
    hold(is_head || j.terms.window_tickets == 0 || seq < j.head() + j.terms.window_tickets, "a ticket left its window");
    auto const amount = j.asked.front();
    j.asked.pop_front();
    ++j.next;
    auto& made = j.in_flight.emplace(seq, ticket{amount, is_head}).first->second;
    add(used_, amount);
    if (is_head) return;
    pool_drawn_ = true;
    made.pool_number = starvation_.granted();
    add(j.pool_held, amount);
    add(j.drawn, amount);
    add(committed_, amount);
    hold(fits(committed_, limit_), "a grant does not fit the pool");
}

void watched_budget::give_back(job_book& of, ticket& from, request now) {
    request returned = from.held;
    subtract(returned, now);
    from.held = now;
    subtract(used_, returned);
    if (from.from_reserve) return;
    subtract(committed_, returned);
    subtract(of.pool_held, returned);
}

void watched_budget::check_books() const {
    auto const s = budget_.stats();
    hold(s.used_bytes == used_.bytes && s.used_slots == used_.slots, "used is what was granted");
    hold(s.committed_bytes == committed_.bytes && s.committed_slots == committed_.slots,
         "committed is reserves, fixed parts and pool grants");
    hold(s.used_bytes <= s.limit_bytes && s.used_slots <= s.limit_slots, "used is within the limit");
    hold(s.committed_bytes <= s.limit_bytes && s.committed_slots <= s.limit_slots, "committed is within the limit");
    hold(s.high_water_bytes >= s.used_bytes && s.high_water_bytes <= s.limit_bytes, "high water is within the limit");
    hold(s.high_water_slots >= s.used_slots && s.high_water_slots <= s.limit_slots, "slot high water is in the limit");
}

void watched_budget::check_waiting() {
    bool anyone_wants = false;
    bool anyone_lacks_room = false;
    for (std::size_t id = 0; id < jobs_.size(); ++id) {
        auto const& j = jobs_[id];
        if (!j.open || !j.booked) continue;
        hold(budget_.head(static_cast<job_id>(id)) == j.head(), "the head is the smallest ticket not retired");
        if (j.asked.empty()) continue;
        hold(!j.in_flight.empty(), "stall: a job has an asked head that is not granted");
        if (j.terms.window_tickets != 0 && j.next >= j.head() + j.terms.window_tickets) continue;
        anyone_wants = true;
        anyone_lacks_room = anyone_lacks_room || !fits(j.asked.front(), free());
    }
    events_with_booking_waiting_ += booking_waits() ? 1 : 0;
    events_with_pool_short_ += anyone_lacks_room ? 1 : 0;
    if (booking_waits()) {
        bool const any_earlier =
            std::any_of(jobs_.begin(), jobs_.begin() + booked_below_, [](job_book const& j) { return j.open; });
        hold(any_earlier, "starvation: a booking waits although every earlier job is closed");
        hold(!fits(booked_by(jobs_[booked_below_].terms), free()), "stall: a booking waits that fits what is free");
    } else {
        hold(!anyone_wants || anyone_lacks_room, "the pool is idle although everyone who waits would fit");
    }
}

void watched_budget::check_starvation() {
    std::vector<starvation_watch::member> members;
    for (job_id id = 0; id < jobs_.size(); ++id) {
        auto const& j = jobs_[id];
        if (!j.open || !j.booked) continue;
        bool const in_window = j.terms.window_tickets == 0 || j.next < j.head() + j.terms.window_tickets;
        bool const waits = !j.asked.empty() && in_window;
        if (!waits && j.pool_held == request{}) continue;
        auto const weight = std::max<std::uint64_t>(j.terms.weight, 1);
        members.push_back({id, weight, j.pool_held, waits, j.next, waits ? j.asked.front() : request{}});
    }
    starvation_.look(members, free(), booking_waits());
}

request watched_budget::free() const { return {limit_.bytes - committed_.bytes, limit_.slots - committed_.slots}; }

bool watched_budget::booking_waits() const { return booked_below_ < jobs_.size(); }

}  // namespace submitit::memory::test
