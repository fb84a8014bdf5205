// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <mutex>
#include <queue>
#include <thread>
#include <vector>

#include "pipeline/meters.hpp"
#include "pipeline/work_queue.hpp"

namespace submitit::pipeline {

/// Threads that take the flight that was granted first, so the head of a line never queues behind later work, and no job behind
/// another that came later. They never wait for memory, a queue or a device inside a task. The destructor waits for them.
class worker_pool final : public work_queue {
public:
    explicit worker_pool(unsigned workers);
    ~worker_pool() override;

    void push(flight& ready) override;
    [[nodiscard]] unsigned workers() const noexcept override { return static_cast<unsigned>(threads_.size()); }
    void tell(status::worker_figures& into) const override;

private:
    struct later {
        bool operator()(flight const* a, flight const* b) const noexcept { return a->turn > b->turn; }
    };
    void work(unsigned worker);
    void end() noexcept;
    [[nodiscard]] flight* take(std::uint64_t& idle_since_us);

    std::mutex mutex_;
    std::condition_variable ready_;
    std::priority_queue<flight*, std::vector<flight*>, later> queue_;
    bool stopping_ = false;
    tally queued_;
    status::occupancy busy_;
    std::vector<std::thread> threads_;
};

}  // namespace submitit::pipeline
