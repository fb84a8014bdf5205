// SPDX-License-Identifier: Apache-2.0
#include "pipeline/worker_pool.hpp"

#include <pthread.h>

namespace submitit::pipeline {

worker_pool::worker_pool(unsigned workers, std::function<void(flight&, unsigned)> run) : run_{std::move(run)} {
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
        run_(*next, worker);
    }
}

}  // namespace submitit::pipeline
