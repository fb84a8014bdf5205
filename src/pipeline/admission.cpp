// SPDX-License-Identifier: Apache-2.0
#include "pipeline/admission.hpp"

#include <vector>

namespace submitit::pipeline {

namespace asio = boost::asio;

result<> admission::reserve_engine(std::uint64_t bytes) {
    std::lock_guard const lock{mutex_};
    return core_.reserve_engine(bytes);
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

asio::awaitable<result<memory::job_id>> admission::open(memory::booking wanted) {
    memory::job_id id = 0;
    member* opened = nullptr;
    {
        std::lock_guard const lock{mutex_};
        auto const job = core_.open_job(wanted);
        if (!job) co_return job.error();
        id = *job;
        opened = &jobs_[id];
        carry_out();
    }
    for (;;) {
        {
            std::lock_guard const lock{mutex_};
            if (opened->booked) break;
        }
        co_await opened->changed.wait();
    }
    co_return id;
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
