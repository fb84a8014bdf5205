// SPDX-License-Identifier: Apache-2.0
#include "pipeline/admission.hpp"

#include <algorithm>
#include <vector>

namespace submitit::pipeline {

namespace asio = boost::asio;

bool admission::can_ever_fit(memory::booking const& wanted) const {
    std::lock_guard const lock{mutex_};
    auto const stats = core_.stats();
    return core_.needed_for(wanted) <= stats.limit_bytes && wanted.head_reserve.slots <= stats.limit_slots;
}

/// Called with the lock held; notify() only posts, so no waiter runs under it.
void admission::carry_out() {
    for (auto const& grant : core_.take_grants()) {
        auto const at = jobs_.find(grant.job);
        if (at == jobs_.end()) continue;
        if (grant.booked) {
            at->second.booked = true;
        } else {
            at->second.granted = grant.seq + 1;
        }
        at->second.changed.notify();
    }
}

result<memory::job_id> admission::enqueue(memory::booking wanted) {
    std::lock_guard const lock{mutex_};
    auto const job = core_.open_job(wanted);
    if (!job) return job;
    jobs_[*job];
    carry_out();
    return job;
}

bool admission::is_booked(memory::job_id job) const {
    std::lock_guard const lock{mutex_};
    return jobs_.at(job).booked;
}

bool admission::anyone_waits() const {
    std::lock_guard const lock{mutex_};
    return std::any_of(jobs_.begin(), jobs_.end(), [](auto const& one) { return !one.second.booked; });
}

asio::awaitable<bool> admission::booked(memory::job_id job) {
    member* asking = nullptr;
    {
        std::lock_guard const lock{mutex_};
        asking = &jobs_.at(job);
    }
    for (;;) {
        {
            std::lock_guard const lock{mutex_};
            if (asking->booked || asking->withdrawn) co_return asking->booked;
        }
        co_await asking->changed.wait();
    }
}

void admission::withdraw(memory::job_id job) {
    std::lock_guard const lock{mutex_};
    auto const at = jobs_.find(job);
    if (at == jobs_.end() || at->second.booked) return;
    at->second.withdrawn = true;
    at->second.changed.notify();
}

asio::awaitable<void> admission::acquire(memory::job_id job, memory::ticket_seq seq, memory::request wanted) {
    member* asking = nullptr;
    {
        std::lock_guard const lock{mutex_};
        asking = &jobs_.at(job);
        core_.ask(job, seq, wanted);
        carry_out();
    }
    for (;;) {
        {
            std::lock_guard const lock{mutex_};
            if (asking->granted > seq) break;
        }
        co_await asking->changed.wait();
    }
}

void admission::retire(memory::job_id job, memory::ticket_seq seq) {
    std::lock_guard const lock{mutex_};
    core_.retire(job, seq);
    carry_out();
}

void admission::close(memory::job_id job) {
    std::lock_guard const lock{mutex_};
    core_.close_job(job);
    jobs_.erase(job);
    carry_out();
}

memory::budget_stats admission::stats() const {
    std::lock_guard const lock{mutex_};
    return core_.stats();
}

}  // namespace submitit::pipeline
