// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <condition_variable>
#include <mutex>

#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/system/system_error.hpp>

#include "io/attempt.hpp"
#include "io/op_queue.hpp"
#include "io/signals_blocked.hpp"
#include "io/threads/shared_slots.hpp"
#include "io/threads/threads.hpp"

namespace submitit::io::threads {
namespace {

constexpr std::uint32_t threads_max = 1024;

/// One job of the pool empties the queue, operation after operation: a list of a thousand files costs at most one hand-over
/// a thread, not one a file.
class pool_backend final : public backend {
public:
    explicit pool_backend(backend_options const& options)
        : threads_{std::clamp(options.threads, 1U, threads_max)}, slots_{options.open_slots}, pool_{threads_} {}

    ~pool_backend() override {
        {
            std::unique_lock lock{mutex_};
            all_done_.wait(lock, [this] { return unfinished_ == 0; });
        }
        pool_.join();
    }

    void submit(read_op* first) noexcept override {
        std::uint32_t more_jobs = 0;
        {
            std::lock_guard const lock{mutex_};
            auto const count = queue_.append(first);
            unfinished_ += count;
            counters_.batch(count);
            more_jobs = std::min(count, threads_ - jobs_);
            jobs_ += more_jobs;
        }
        for (; more_jobs > 0; --more_jobs) boost::asio::post(pool_, [this] { work(); });
    }

    [[nodiscard]] backend_kind kind() const noexcept override { return backend_kind::threads; }
    [[nodiscard]] backend_counters counters() const noexcept override { return counters_.snapshot(); }
    void tell(status::io_figures& into) const override { counters_.tell(into); }

private:
    void work() noexcept {
        std::unique_lock lock{mutex_};
        while (auto* const op = queue_.pop()) {
            counters_.in_flight(++working_, 0);
            lock.unlock();
            reset(*op);
            op->clock_us = static_cast<std::uint32_t>(status::now_us());
            if (op->fd >= 0) transfer(*op, op->fd);
            else open_and_transfer(*op);
            counters_.op();
            counters_.took(*op, status::now_us());
            op->done(*op);
            lock.lock();
            counters_.in_flight(--working_, 0);
            if (--unfinished_ == 0) all_done_.notify_all();
        }
        --jobs_;
    }

    void transfer(read_op& op, int fd) noexcept {
        if (begin(op, fd) && read_rest(op, fd, counters_)) finish(op, fd);
    }

    void open_and_transfer(read_op& op) noexcept {
        for (;;) {
            slots_.take();
            auto fd = open_source(op, false);
            if (fd) {
                transfer(op, fd->get());
                fd->reset();
            } else if (out_of_descriptors(fd.error())) {
                counters_.descriptor_wait();
                slots_.refused();
                continue;
            } else {
                fail(op, read_stage::open, fd.error());
            }
            return slots_.give_back();
        }
    }

    std::uint32_t const threads_;
    live_counters counters_;
    shared_slots slots_;
    std::mutex mutex_;
    std::condition_variable all_done_;
    op_queue queue_;                // guarded by mutex_
    std::uint64_t unfinished_ = 0;  // guarded by mutex_
    std::uint32_t jobs_ = 0;        // of the pool, in work(); guarded by mutex_
    std::uint32_t working_ = 0;     // of those, with an op; guarded by mutex_
    boost::asio::thread_pool pool_;
};

}  // namespace

result<std::unique_ptr<backend>> start(backend_options const& options) {
    try {
        signals_blocked const blocked;
        return std::unique_ptr<backend>{std::make_unique<pool_backend>(options)};
    } catch (boost::system::system_error const& refused) {
        return refused.code();
    }
}

}  // namespace submitit::io::threads
