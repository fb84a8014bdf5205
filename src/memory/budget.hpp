// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <vector>

#include "base/result.hpp"

namespace submitit::memory {

/// What one ticket needs, granted as one vector or not at all.
struct request {
    std::uint64_t bytes = 0;
    std::uint32_t slots = 0;  ///< open-file slots, the second scarce resource

    bool operator==(request const&) const = default;
};

using job_id = std::uint32_t;
using ticket_seq = std::uint64_t;

/// What one job books before its first ticket.
struct booking {
    request head_reserve;              ///< one maximal grant: the largest request the job will ever make
    std::uint64_t fixed_bytes = 0;     ///< windows, sink buffer: held until the job is closed
    std::uint64_t window_tickets = 0;  ///< no ticket at or past head + window is granted (1: serial); 0 = no such bound
    /// Rule B grants it nothing that would leave less than this free: room for the bookings of others. Only its head is sure then.
    std::uint64_t pool_floor_bytes = 0;
    std::uint32_t weight = 1;  ///< share of the shared pool against other jobs; 0 counts as 1
};

/// One decision of the budget, to be carried out by the caller.
struct grant {
    job_id job = 0;
    bool booked = false;  ///< true: the job's booking was granted (seq means nothing); false: ticket `seq` was
    ticket_seq seq = 0;
};

struct budget_stats {
    std::uint64_t limit_bytes = 0;
    std::uint64_t engine_bytes = 0;      ///< reserved for the engine's life (codec contexts)
    std::uint64_t used_bytes = 0;        ///< engine + fixed + granted (a head reserve counts only while granted from)
    std::uint64_t committed_bytes = 0;   ///< engine + fixed + every head reserve + granted from the shared pool
    std::uint64_t high_water_bytes = 0;  ///< largest used_bytes ever seen; never above the limit
    std::uint32_t limit_slots = 0;       ///< the same four for slots, of which engine and fixed parts take none
    std::uint32_t used_slots = 0;
    std::uint32_t committed_slots = 0;
    std::uint32_t high_water_slots = 0;
    std::uint64_t grants_from_reserve = 0;  ///< rule A; a share near 1 means the budget is too small
    std::uint64_t grants_from_pool = 0;     ///< rule B
};

/// The global memory budget: ticketed admission with a head reserve.
///
/// A plain class without threads, locks or I/O: every call decides, take_grants() says what was decided. The caller
/// serialises calls and carries the grants out afterwards.
///
/// Order:     inside a job tickets are asked for and granted in sequence order 0, 1, 2, ...
/// Head:      the smallest ticket not retired; always computed, never stored.
/// Rule A:    the head may always use its job's reserve (if its predecessor has given it back).
/// Rule B:    every other ticket draws on the shared pool (what is neither reserved, fixed nor engine's), deficit
///            round robin over jobs by bytes x weight, never skipping a ticket inside a job, within the job's window.
///            Jobs within their weighted share of the pool come first, also while they wait for room; jobs beyond
///            theirs borrow what nobody within wants. So small requests do not starve a large one, and a slow sink
///            costs the others only what it borrowed. Not promised: room for a request that is larger than its job's
///            share; it may have to go as head.
/// Promotion: a ticket granted from the pool that becomes head keeps that grant; the reserve waits for the next head.
/// Booking:   FIFO over jobs, taken from bytes and slots that are free *now*; while one waits, rule B grants nothing
///            anywhere.
/// Slots:     follow every rule that bytes follow.
/// Starvation: a head is granted in the call that asks for it or retires its predecessor. So a ticket waits for at most as many
///            retirements as its own job has tickets before it, whatever the others do. A booking waits at most until every
///            job opened before it is closed. A ticket within its job's share waits at most until each ticket that was in
///            flight from the pool when it began to wait has retired (beginning anew when shares become smaller: a job
///            joins, books, or waits for its booking).
/// Deadlock:  none, also with a shared pool of zero bytes: see ARCHITECTURE.md, "Memory".
/// Cost:      a call looks at each booked job twice, and for each grant from the pool at each that waits; the number of
///            tickets asked for does not matter.
class budget {
public:
    budget(std::uint64_t limit_bytes, std::uint32_t limit_slots);

    /// Books bytes for the engine's life. Fails with errc::budget_too_small, changing nothing, when they are not free
    /// now or would leave too little for a booking already queued.
    [[nodiscard]] result<> reserve_engine(std::uint64_t bytes);

    /// Queues a job's booking; a later take_grants() says when it holds.
    /// Fails at once with errc::budget_too_small when it could never fit, even alone: bytes (needed_for() says how
    /// many it takes) or slots.
    [[nodiscard]] result<job_id> open_job(booking const& wanted);

    /// Asks for the next ticket of `job`: seq must be the previous one plus one (0 at first), and `wanted` at most the
    /// job's head reserve (a broken promise is a bug: checked). Tickets may be asked for before the booking is granted;
    /// none may be after cancel (checked).
    void ask(job_id job, ticket_seq seq, request wanted);

    /// Gives back part of a granted ticket's request early; `now` must not be larger than what it holds.
    void shrink(job_id job, ticket_seq seq, request now);

    /// Returns all of a granted ticket. Tickets may retire out of order (a cancelled job does).
    void retire(job_id job, ticket_seq seq);

    /// Forgets the tickets of `job` that are not granted yet; granted ones are retired by the caller as usual.
    /// A job that still waits for its booking is closed: true then, and `job` means nothing any more.
    bool cancel(job_id job);

    /// Ends a job, or withdraws one that waits for its booking; all its granted tickets must have been retired
    /// (checked). Tickets asked for and not granted are forgotten.
    void close_job(job_id job);

    /// Everything granted since the last call, in the order of the decisions.
    [[nodiscard]] std::vector<grant> take_grants();

    /// Smallest ticket of `job` that has not retired.
    [[nodiscard]] ticket_seq head(job_id job) const;

    [[nodiscard]] budget_stats stats() const noexcept;

    /// The smallest limit_bytes under which `wanted` fits next to what the engine reserved; saturates at 2^64-1.
    [[nodiscard]] std::uint64_t needed_for(booking const& wanted) const noexcept;

private:
    struct holding {
        request held;
        bool from_reserve = false;
    };

    struct job {
        booking terms;
        bool booked = false;
        bool cancelled = false;
        ticket_seq next = 0;                    ///< the smallest ticket not granted
        std::deque<request> asked;              ///< not granted yet, in order; the front is `next`
        std::map<ticket_seq, holding> granted;  ///< not retired yet
        request pool_held;                      ///< the part of `granted` that is not from the reserve
        std::uint64_t deficit_bytes = 0;        ///< what the job may still draw in this lap of rule B

        [[nodiscard]] ticket_seq head() const { return granted.empty() ? next : granted.begin()->first; }
        [[nodiscard]] bool wants_pool() const;
        [[nodiscard]] std::uint64_t weight() const { return terms.weight == 0 ? 1 : terms.weight; }
    };

    /// A job whose next ticket wants from the pool.
    struct contender {
        job_id id = 0;
        job* to = nullptr;
        request wanted;
        bool owed = false;  ///< within its job's share of the pool
        bool may_draw = false;
    };
    using contenders = std::vector<contender>;

    /// What rule B needs to know of all jobs together; lives for one decision.
    struct pool_survey {
        contenders waiting;         ///< in the order of opening
        request pool;               ///< free and drawn
        std::uint64_t weights = 0;  ///< of the jobs that want from the pool or hold some of it
        std::uint64_t bytes_a_weight = 0;
    };

    void decide();
    void book_waiting();
    void grant_heads();
    void share_pool();
    void grant_next(job_id id, job& to, bool from_reserve);
    void use(request amount);
    void give_back(job& from, holding& part, request now);

    [[nodiscard]] pool_survey survey_pool();
    [[nodiscard]] contenders::iterator next_to_draw(pool_survey& survey);
    [[nodiscard]] bool has_room(contender const& c) const noexcept;
    [[nodiscard]] static bool within_share(contender const& c, pool_survey const& survey);
    [[nodiscard]] static std::uint64_t laps_until_paid(contender const& c);
    static void credit(std::uint64_t laps, pool_survey const& survey);

    [[nodiscard]] job& job_at(job_id id);
    [[nodiscard]] job const& job_at(job_id id) const;

    request limit_;
    request free_;  ///< limit - engine - fixed - head reserves - granted from the pool
    request used_;  ///< engine + fixed + granted
    request high_water_;
    std::uint64_t engine_bytes_ = 0;
    std::map<job_id, job> jobs_;  ///< in the order of opening, since ids rise: booked jobs come before waiting ones
    job_id next_id_ = 0;
    job_id next_to_book_ = 0;  ///< jobs below are booked
    std::vector<grant> grants_;
    std::uint64_t grants_from_reserve_ = 0;
    std::uint64_t grants_from_pool_ = 0;
};

}  // namespace submitit::memory
