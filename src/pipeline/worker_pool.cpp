// SPDX-License-Identifier: Apache-2.0
#include "pipeline/worker_pool.hpp"

#include <pthread.h>

#include "io/signals_blocked.hpp"
#include "pipeline/job.hpp"

namespace submitit::pipeline {

worker_pool::worker_pool(unsigned workers) {
    io::signals_blocked const blocked;
    threads_.reserve(workers);
    try {
        for (unsigned worker = 0; worker < workers; ++worker) {
            threads_.emplace_back([this, worker] { work(worker); });
            ::pthread_setname_np(threads_.back().native_handle(), "submitit-codec");
        }
    } catch (...) {
        end();
        throw;
    }
}

worker_pool::~worker_pool() { end(); }

void worker_pool::end() noexcept {
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
    queued_.set(queue_.size());
    ready_.notify_one();  // under the lock: this flight may be the last, after which the pool goes
}

/// Null at the end. `idle_since_us` is 0 for one that had not to wait.
flight* worker_pool::take(std::uint64_t& idle_since_us) {
    std::unique_lock lock{mutex_};
    idle_since_us = queue_.empty() ? status::now_us() : 0;
    ready_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (queue_.empty()) return nullptr;
    auto* const next = queue_.top();
    queue_.pop();
    queued_.set(queue_.size());
    return next;
}

void worker_pool::work(unsigned worker) {
    std::uint64_t idle_since_us = 0;
    while (auto* const next = take(idle_since_us)) {
        auto const owner = next->owner;  // the flight, and with it the job, may end inside
        auto const began_us = status::now_us();
        if (idle_since_us != 0) owner->metrics().idled(*next, idle_since_us, began_us);
        busy_.enter(began_us);
        owner->work(*next, worker);
        busy_.leave(status::now_us());
    }
}

void worker_pool::tell(status::worker_figures& into) const {
    into.workers = workers();
    into.busy = static_cast<std::uint32_t>(busy_.depth());
    into.busy_seconds = static_cast<double>(busy_.sum_us(status::now_us())) / 1e6;
    into.queued = queued_.get();
}

}  // namespace submitit::pipeline
