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
    show();
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

asio::awaitable<bool> admission::acquire(memory::job_id job, memory::ticket_seq seq, memory::request wanted) {
    member* asking = nullptr;
    {
        std::lock_guard const lock{mutex_};
        asking = &jobs_.at(job);
        core_.ask(job, seq, wanted);
        carry_out();
    }
    for (bool waited = false;; waited = true) {
        {
            std::lock_guard const lock{mutex_};
            if (asking->granted > seq) co_return waited;
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

void admission::show() noexcept {
    auto const now = core_.stats();
    live_.used_bytes.set(now.used_bytes);
    live_.committed_bytes.set(now.committed_bytes);
    live_.high_water_bytes.set(now.high_water_bytes);
    live_.engine_bytes.set(now.engine_bytes);
    live_.grants_from_reserve.set(now.grants_from_reserve);
    live_.grants_from_pool.set(now.grants_from_pool);
    live_.used_slots.set(now.used_slots);
}

void admission::tell(status::budget_figures& into) const {
    into.limit_bytes = limit_bytes_;
    into.used_bytes = live_.used_bytes.get();
    into.committed_bytes = live_.committed_bytes.get();
    into.high_water_bytes = live_.high_water_bytes.get();
    into.engine_bytes = live_.engine_bytes.get();
    into.grants_from_reserve = live_.grants_from_reserve.get();
    into.grants_from_pool = live_.grants_from_pool.get();
    into.limit_slots = limit_slots_;
    into.used_slots = static_cast<std::uint32_t>(live_.used_slots.get());
}

memory::budget_stats admission::stats() const {
    std::lock_guard const lock{mutex_};
    return core_.stats();
}

}  // namespace submitit::pipeline
