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
    request head_reserve;             ///< one maximal grant: the largest request the job will ever make
    std::uint64_t fixed_bytes = 0;    ///< windows, sink buffer: held until the job is closed
    std::uint64_t window_tickets = 0; ///< tickets past the head that may be granted; 0 = as many as fit
    std::uint32_t weight = 1;         ///< share of the shared pool against other jobs
};

/// One decision of the budget, to be carried out by the caller.
struct grant {
    job_id job = 0;
    bool booked = false;   ///< true: the job's booking was granted (seq means nothing); false: ticket `seq` was
    ticket_seq seq = 0;
};

struct budget_stats {
    std::uint64_t limit_bytes = 0;
    std::uint64_t engine_bytes = 0;        ///< reserved for the engine's life (codec contexts)
    std::uint64_t used_bytes = 0;          ///< engine + fixed + granted (a head reserve counts only while granted from)
    std::uint64_t committed_bytes = 0;     ///< engine + fixed + every head reserve + granted from the shared pool
    std::uint64_t high_water_bytes = 0;    ///< largest used_bytes ever seen; never above the limit
    std::uint64_t grants_from_reserve = 0; ///< rule A; a share near 1 means the budget is too small
    std::uint64_t grants_from_pool = 0;    ///< rule B
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
/// Booking:   FIFO over jobs, taken from bytes that are free *now*; while one waits, rule B grants nothing anywhere.
/// Deadlock:  none, also with a shared pool of zero bytes: see ARCHITECTURE.md, "Memory".
class budget {
public:
    budget(std::uint64_t limit_bytes, std::uint32_t limit_slots);

    /// Books bytes for the engine's life. Fails with errc::budget_too_small.
    [[nodiscard]] result<> reserve_engine(std::uint64_t bytes);

    /// Queues a job's booking; a later take_grants() says when it holds.
    /// Fails at once with errc::budget_too_small when it could never fit, even alone.
    [[nodiscard]] result<job_id> open_job(booking const& wanted);

    /// Asks for the next ticket of `job`: seq must be the previous one plus one (0 at first), and `wanted` at most the
    /// job's head reserve (a broken promise is a bug: checked).
    void ask(job_id job, ticket_seq seq, request wanted);

    /// Gives back part of a granted ticket's request early; `now` must not be larger than what it holds.
    void shrink(job_id job, ticket_seq seq, request now);

    /// Returns all of a granted ticket. Tickets may retire out of order (a cancelled job does).
    void retire(job_id job, ticket_seq seq);

    /// Forgets the tickets of `job` that are not granted yet; granted ones are retired by the caller as usual.
    /// A job that still waits for its booking is closed.
    void cancel(job_id job);

    /// Ends a job; all its granted tickets must have been retired (checked).
    void close_job(job_id job);

    /// Everything granted since the last call, in the order of the decisions.
    [[nodiscard]] std::vector<grant> take_grants();

    /// Smallest ticket of `job` that has not retired.
    [[nodiscard]] ticket_seq head(job_id job) const;

    [[nodiscard]] budget_stats stats() const noexcept;

    /// The smallest limit_bytes under which `wanted` fits next to what the engine reserved.
    [[nodiscard]] std::uint64_t needed_for(booking const& wanted) const noexcept;
};

}  // namespace submitit::memory
