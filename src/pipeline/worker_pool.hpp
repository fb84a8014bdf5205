// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <queue>
#include <thread>
#include <vector>

#include "pipeline/flight.hpp"

namespace submitit::pipeline {

/// Threads that take the flight with the smallest ticket number first, so the head of the line never queues behind
/// later work. They never wait for memory, a queue or a device inside a task. The destructor waits for them.
class worker_pool {
public:
    /// `run(flight, worker)` is called on worker threads, 0 <= worker < workers.
    worker_pool(unsigned workers, std::function<void(flight&, unsigned)> run);
    ~worker_pool();

    void push(flight& ready);

private:
    struct later {
        bool operator()(flight const* a, flight const* b) const noexcept { return a->ticket.seq > b->ticket.seq; }
    };
    void work(unsigned worker);

    std::function<void(flight&, unsigned)> run_;
    std::mutex mutex_;
    std::condition_variable ready_;
    std::priority_queue<flight*, std::vector<flight*>, later> queue_;
    bool stopping_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace submitit::pipeline
