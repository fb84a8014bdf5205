// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <mutex>

#include "async/wakeup.hpp"
#include "memory/budget.hpp"
#include "pipeline/meters.hpp"

namespace submitit::pipeline {

/// The budget behind a lock, with coroutines waiting for its grants. Decisions are made under the lock, wake-ups after it.
class admission {
public:
    admission(std::uint64_t limit_bytes, std::uint32_t limit_slots)
        : core_{limit_bytes, limit_slots}, limit_bytes_{limit_bytes}, limit_slots_{limit_slots} {}

    /// Whether `wanted` could be booked were it alone.
    [[nodiscard]] bool can_ever_fit(memory::booking const& wanted) const;

    /// Queues a booking, first come, first served; close() ends it, booked or not.
    /// Fails at once with errc::budget_too_small when it never can be booked.
    [[nodiscard]] result<memory::job_id> enqueue(memory::booking wanted);

    [[nodiscard]] bool is_booked(memory::job_id job) const;
    /// Whether some booking is queued.
    [[nodiscard]] bool anyone_waits() const;

    /// Waits until it is booked; false when it was withdrawn.
    [[nodiscard]] async::asio::awaitable<bool> booked(memory::job_id job);

    /// A booking that still waits waits no more; from any thread, and nothing once it holds or was closed.
    void withdraw(memory::job_id job);

    /// Asks for the next ticket and waits for its grant. True: it was not granted at once.
    [[nodiscard]] async::asio::awaitable<bool> acquire(memory::job_id job, memory::ticket_seq seq,
                                                       memory::request wanted);

    void retire(memory::job_id job, memory::ticket_seq seq);
    void close(memory::job_id job);
    [[nodiscard]] memory::budget_stats stats() const;
    /// The same as it was after the last decision, without the lock; figures of two decisions may mix.
    void tell(status::budget_figures& into) const;

private:
    struct member {
        bool booked = false;
        bool withdrawn = false;
        memory::ticket_seq granted = 0;  ///< tickets below are granted
        async::wakeup changed;
    };
    struct live_stats {
        tally used_bytes;
        tally committed_bytes;
        tally high_water_bytes;
        tally engine_bytes;
        tally grants_from_reserve;
        tally grants_from_pool;
        tally used_slots;
    };
    void carry_out();
    void show() noexcept;

    mutable std::mutex mutex_;
    memory::budget core_;
    std::map<memory::job_id, member> jobs_;
    live_stats live_;
    std::uint64_t const limit_bytes_;
    std::uint32_t const limit_slots_;
};

}  // namespace submitit::pipeline
