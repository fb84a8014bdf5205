// SPDX-License-Identifier: Apache-2.0
#include "memory/budget.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/check.hpp"
#include "base/errc.hpp"
#include "base/sizes.hpp"

namespace submitit::memory {
namespace {

/// What a lap of rule B gives a job of weight 1: about one ticket (DESIGN 2), so that turns change ticket by ticket.
constexpr std::uint64_t quantum_bytes = MiB;

bool fits(request amount, request room) noexcept { return amount.bytes <= room.bytes && amount.slots <= room.slots; }

void add(request& to, request amount) noexcept {
    to.bytes += amount.bytes;
    to.slots += amount.slots;
}

void subtract(request& from, request amount) noexcept {
    SUBMITIT_CHECK(fits(amount, from));
    from.bytes -= amount.bytes;
    from.slots -= amount.slots;
}

std::uint64_t saturating_sum(std::uint64_t a, std::uint64_t b) noexcept {
    return b > std::numeric_limits<std::uint64_t>::max() - a ? std::numeric_limits<std::uint64_t>::max() : a + b;
}

/// What a booking takes out of the free bytes and slots. Only for bookings known to fit the limit.
request total(booking const& b) noexcept { return {b.head_reserve.bytes + b.fixed_bytes, b.head_reserve.slots}; }

}  // namespace

budget::budget(std::uint64_t limit_bytes, std::uint32_t limit_slots)
    : limit_{limit_bytes, limit_slots}, free_{limit_bytes, limit_slots} {}

// ---- events ----

result<> budget::reserve_engine(std::uint64_t bytes) {
    if (bytes > free_.bytes) return errc::budget_too_small;
    for (auto it = jobs_.lower_bound(next_to_book_); it != jobs_.end(); ++it)
        if (saturating_sum(needed_for(it->second.terms), bytes) > limit_.bytes) return errc::budget_too_small;
    engine_bytes_ += bytes;
    subtract(free_, {bytes, 0});
    use({bytes, 0});
    return {};
}

result<job_id> budget::open_job(booking const& wanted) {
    if (needed_for(wanted) > limit_.bytes || wanted.head_reserve.slots > limit_.slots) return errc::budget_too_small;
    job_id const id = next_id_++;
    jobs_[id].terms = wanted;
    decide();
    return id;
}

void budget::ask(job_id id, ticket_seq seq, request wanted) {
    job& j = job_at(id);
    SUBMITIT_CHECK(!j.cancelled);
    SUBMITIT_CHECK(seq == j.next + j.asked.size());
    SUBMITIT_CHECK(fits(wanted, j.terms.head_reserve));
    j.asked.push_back(wanted);
    decide();
}

void budget::shrink(job_id id, ticket_seq seq, request now) {
    job& j = job_at(id);
    auto const it = j.granted.find(seq);
    SUBMITIT_CHECK(it != j.granted.end());
    give_back(j, it->second, now);
    decide();
}

void budget::retire(job_id id, ticket_seq seq) {
    job& j = job_at(id);
    auto const it = j.granted.find(seq);
    SUBMITIT_CHECK(it != j.granted.end());
    give_back(j, it->second, {});
    j.granted.erase(it);
    decide();
}

bool budget::cancel(job_id id) {
    job& j = job_at(id);
    if (!j.booked) {
        close_job(id);
        return true;
    }
    j.cancelled = true;
    j.asked.clear();
    decide();
    return false;
}

void budget::close_job(job_id id) {
    job const& j = job_at(id);
    SUBMITIT_CHECK(j.granted.empty());
    if (j.booked) {
        add(free_, total(j.terms));
        subtract(used_, {j.terms.fixed_bytes, 0});
    }
    jobs_.erase(id);
    std::erase_if(grants_, [id](grant const& g) { return g.job == id; });
    decide();
}

std::vector<grant> budget::take_grants() { return std::exchange(grants_, {}); }

// ---- the one decision ----

/// Everything that can be granted now. Bookings come first: they may wait behind nothing but their own kind.
void budget::decide() {
    book_waiting();
    grant_heads();
    bool const booking_waits = jobs_.lower_bound(next_to_book_) != jobs_.end();
    if (!booking_waits) share_pool();
}

void budget::book_waiting() {
    for (auto it = jobs_.lower_bound(next_to_book_); it != jobs_.end(); ++it) {
        auto& [id, j] = *it;
        if (!fits(total(j.terms), free_)) return;
        subtract(free_, total(j.terms));
        use({j.terms.fixed_bytes, 0});
        j.booked = true;
        next_to_book_ = id + 1;
        grants_.push_back({id, true, 0});
    }
}

/// Rule A. That `next` is the head says that every ticket before it has retired, so the reserve is free.
void budget::grant_heads() {
    for (auto& [id, j] : jobs_) {
        if (!j.booked) return;
        if (!j.asked.empty() && j.next == j.head()) grant_next(id, j, true);
    }
}

/// Rule B, until nobody can be served.
void budget::share_pool() {
    pool_survey survey = survey_pool();
    for (auto it = next_to_draw(survey); it != survey.waiting.end(); it = next_to_draw(survey)) {
        it->to->deficit_bytes -= it->wanted.bytes;
        grant_next(it->id, *it->to, false);
        if (it->to->wants_pool()) it->wanted = it->to->asked.front();
        else survey.waiting.erase(it);
    }
}

void budget::grant_next(job_id id, job& to, bool from_reserve) {
    request const amount = to.asked.front();
    if (!from_reserve) {
        subtract(free_, amount);
        add(to.pool_held, amount);
    }
    use(amount);
    to.granted.emplace(to.next, holding{amount, from_reserve});
    grants_.push_back({id, false, to.next});
    to.asked.pop_front();
    ++to.next;
    ++(from_reserve ? grants_from_reserve_ : grants_from_pool_);
}

void budget::use(request amount) {
    add(used_, amount);
    SUBMITIT_CHECK(used_.bytes <= limit_.bytes - free_.bytes && used_.slots <= limit_.slots - free_.slots);
    high_water_.bytes = std::max(high_water_.bytes, used_.bytes);
    high_water_.slots = std::max(high_water_.slots, used_.slots);
}

void budget::give_back(job& from, holding& part, request now) {
    request returned = part.held;
    subtract(returned, now);
    part.held = now;
    subtract(used_, returned);
    if (part.from_reserve) return;
    subtract(from.pool_held, returned);
    add(free_, returned);
}

// ---- rule B: deficit round robin ----

/// Called after rule A, so a job's `next` is never its head here.
bool budget::job::wants_pool() const {
    return !asked.empty() && (terms.window_tickets == 0 || next - head() < terms.window_tickets);
}

budget::pool_survey budget::survey_pool() {
    pool_survey survey;
    survey.pool = free_;
    survey.waiting.reserve(jobs_.size());
    for (auto& [id, j] : jobs_) {
        bool const wants = j.wants_pool();
        if (wants) survey.waiting.push_back({id, &j, j.asked.front()});
        if (wants || j.pool_held != request{}) survey.weights += j.weight();
        add(survey.pool, j.pool_held);
    }
    if (survey.weights > 0) survey.bytes_a_weight = survey.pool.bytes / survey.weights;
    return survey;
}

bool budget::has_room(contender const& c) const noexcept {
    return fits(c.wanted, free_) && free_.bytes - c.wanted.bytes >= c.to->terms.pool_floor_bytes;
}

/// All shares together never exceed the pool, so what is wanted within a share waits only for those beyond theirs.
bool budget::within_share(contender const& c, pool_survey const& survey) {
    request const held = c.to->pool_held;
    return held.bytes + c.wanted.bytes <= survey.bytes_a_weight * c.to->weight() &&
           held.slots + c.wanted.slots <= survey.pool.slots * c.to->weight() / survey.weights;
}

/// Whose turn it is, with its next ticket paid for, or the end. A lap gives everyone who waits one quantum a weight.
/// The turn is with whoever can pay after the fewest laps, which are taken in one step, so a large request waits for
/// room only; among equals it is with the job opened first, until its credit is spent.
budget::contenders::iterator budget::next_to_draw(pool_survey& survey) {
    auto next = survey.waiting.end();
    auto const fits_now = [this](contender const& c) { return has_room(c); };
    if (std::none_of(survey.waiting.begin(), survey.waiting.end(), fits_now)) return next;
    bool anyone_owed = false;
    for (auto& c : survey.waiting) {
        c.owed = within_share(c, survey) && (c.to->terms.pool_floor_bytes == 0 || has_room(c));
        anyone_owed = anyone_owed || c.owed;
    }
    std::uint64_t laps = 0;
    for (auto it = survey.waiting.begin(); it != survey.waiting.end(); ++it) {
        it->may_draw = has_room(*it) && (it->owed || !anyone_owed);
        auto const needed = it->may_draw ? laps_until_paid(*it) : 0;
        if (!it->may_draw || (next != survey.waiting.end() && needed >= laps)) continue;
        next = it;
        laps = needed;
    }
    if (next != survey.waiting.end() && laps > 0) credit(laps, survey);
    return next;
}

std::uint64_t budget::laps_until_paid(contender const& c) {
    if (c.to->deficit_bytes >= c.wanted.bytes) return 0;
    std::uint64_t const lap = quantum_bytes * c.to->weight();
    return (c.wanted.bytes - c.to->deficit_bytes - 1) / lap + 1;
}

/// Neither idling nor waiting may turn into a burst: a job that asks for nothing earns nothing, one that may not draw
/// earns no more than its next ticket costs.
void budget::credit(std::uint64_t laps, pool_survey const& survey) {
    for (auto const& c : survey.waiting) {
        if (c.may_draw || laps < laps_until_paid(c)) c.to->deficit_bytes += laps * quantum_bytes * c.to->weight();
        else c.to->deficit_bytes = std::max(c.to->deficit_bytes, c.wanted.bytes);
    }
}

// ---- questions ----

ticket_seq budget::head(job_id id) const { return job_at(id).head(); }

budget_stats budget::stats() const noexcept {
    budget_stats s;
    s.limit_bytes = limit_.bytes;
    s.engine_bytes = engine_bytes_;
    s.used_bytes = used_.bytes;
    s.committed_bytes = limit_.bytes - free_.bytes;
    s.high_water_bytes = high_water_.bytes;
    s.limit_slots = limit_.slots;
    s.used_slots = used_.slots;
    s.committed_slots = limit_.slots - free_.slots;
    s.high_water_slots = high_water_.slots;
    s.grants_from_reserve = grants_from_reserve_;
    s.grants_from_pool = grants_from_pool_;
    return s;
}

std::uint64_t budget::needed_for(booking const& wanted) const noexcept {
    return saturating_sum(engine_bytes_, saturating_sum(wanted.head_reserve.bytes, wanted.fixed_bytes));
}

budget::job& budget::job_at(job_id id) {
    auto const it = jobs_.find(id);
    SUBMITIT_CHECK(it != jobs_.end());
    return it->second;
}

budget::job const& budget::job_at(job_id id) const {
    auto const it = jobs_.find(id);
    SUBMITIT_CHECK(it != jobs_.end());
    return it->second;
}

}  // namespace submitit::memory
