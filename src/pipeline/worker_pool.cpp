// SPDX-License-Identifier: Apache-2.0
#include "pipeline/worker_pool.hpp"

#include <pthread.h>

#include "io/signals_blocked.hpp"
#include "pipeline/job.hpp"

namespace submitit::pipeline {

worker_pool::worker_pool(unsigned workers) {
    io::signals_blocked const blocked;
    threads_.reserve(workers);
    for (unsigned worker = 0; worker < workers; ++worker) {
        threads_.emplace_back([this, worker] { work(worker); });
        ::pthread_setname_np(threads_.back().native_handle(), "submitit-codec");
    }
}

worker_pool::~worker_pool() {
    {
        std::lock_guard const lock{mutex_};
        stopping_ = true;
    }
    ready_.notify_all();
    for (auto& thread : threads_) thread.join();
}

void worker_pool::push(flight& ready) {
    std::lock_guard const lock{mutex_};
    queue_.push(&ready);
    ready_.notify_one();  // under the lock: this flight may be the last, after which the pool goes
}

void worker_pool::work(unsigned worker) {
    for (;;) {
        flight* next = nullptr;
        {
            std::unique_lock lock{mutex_};
            ready_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
            if (queue_.empty()) return;
            next = queue_.top();
            queue_.pop();
        }
        auto const owner = next->owner;  // the flight, and with it the job, may end inside
        owner->work(*next, worker);
    }
}

}  // namespace submitit::pipeline
