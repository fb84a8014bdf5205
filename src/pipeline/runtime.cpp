// SPDX-License-Identifier: Apache-2.0
#include "pipeline/runtime.hpp"

#include <algorithm>

#include "io/signals_blocked.hpp"

namespace submitit::pipeline {

threads_runtime::threads_runtime(std::unique_ptr<io::backend> backend, unsigned workers, unsigned blocking_threads)
    : blocking_threads_{std::max(blocking_threads, 1U)},
      backend_{std::move(backend)},
      workers_{std::make_unique<worker_pool>(std::max(workers, 1U))} {}

/// Jobs have ended; what is left are the last steps of tasks that ended them.
threads_runtime::~threads_runtime() {
    walking_.join();
    writing_.join();
    steering_.join();
    backend_.reset();  // its last operation may hand a flight to the workers
    workers_.reset();
}

boost::asio::any_io_executor threads_runtime::lazy_pool::executor(unsigned threads) {
    std::lock_guard const lock{mutex_};
    if (group_) return group_->context.get_executor();
    io::signals_blocked const blocked;
    auto made = std::make_unique<group>();
    made->threads.reserve(threads);
    try {
        while (made->threads.size() < threads) made->threads.emplace_back([all = made.get()] { run(*all); });
    } catch (...) {
        end(*made);
        throw;
    }
    group_ = std::move(made);
    return group_->context.get_executor();
}

void threads_runtime::lazy_pool::run(group& all) noexcept { all.context.run(); }

void threads_runtime::lazy_pool::end(group& all) noexcept {
    all.work.reset();
    for (auto& one : all.threads) one.join();
    all.threads.clear();
}

void threads_runtime::lazy_pool::join() noexcept {
    if (group_) end(*group_);
}

}  // namespace submitit::pipeline
