// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <mutex>

#include "async/wakeup.hpp"
#include "memory/budget.hpp"

namespace submitit::pipeline {

/// The budget behind a lock, with coroutines waiting for its grants. Decisions are made under the lock, wake-ups after it.
class admission {
public:
    admission(std::uint64_t limit_bytes, std::uint32_t limit_slots) : core_{limit_bytes, limit_slots} {}

    /// Books memory for the engine's life.
    [[nodiscard]] result<> reserve_engine(std::uint64_t bytes);

    /// Waits until `wanted` is booked. Fails at once with errc::budget_too_small when it never can be.
    [[nodiscard]] async::asio::awaitable<result<memory::job_id>> open(memory::booking wanted);

    /// Asks for the next ticket and waits for its grant.
    [[nodiscard]] async::asio::awaitable<void> acquire(memory::job_id job, memory::ticket_seq seq,
                                                       memory::request wanted);

    void retire(memory::job_id job, memory::ticket_seq seq);
    void close(memory::job_id job);
    [[nodiscard]] memory::budget_stats stats() const;

private:
    struct member {
        bool booked = false;
        memory::ticket_seq granted = 0;  ///< tickets below are granted
        async::wakeup changed;
    };
    void carry_out();

    mutable std::mutex mutex_;
    memory::budget core_;
    std::map<memory::job_id, member> jobs_;
};

}  // namespace submitit::pipeline
