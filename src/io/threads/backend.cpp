// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "io/attempt.hpp"
#include "io/op_queue.hpp"
#include "io/signals_blocked.hpp"
#include "io/threads/shared_slots.hpp"
#include "io/threads/threads.hpp"

namespace submitit::io::threads {
namespace {

constexpr std::uint32_t threads_max = 1024;

/// Each thread empties the queue, operation after operation: a list of a thousand files costs at most one hand-over a thread, not
/// one a file, and submitting takes no memory. Plain threads: the constructor of boost::asio::thread_pool waits for ever for the
/// threads it has when the system refuses it one more.
class pool_backend final : public backend {
public:
    explicit pool_backend(backend_options const& options) : slots_{options.open_slots} {
        auto const count = std::clamp(options.threads, 1U, threads_max);
        threads_.reserve(count);
        try {
            while (threads_.size() < count) threads_.emplace_back([this] { work(); });
        } catch (std::system_error const&) {  // the system has no more: fewer do as well
            if (threads_.empty()) throw;
        } catch (...) {
            end();
            throw;
        }
    }

    ~pool_backend() override { end(); }

    void submit(read_op* first) noexcept override {
        std::uint32_t to_wake = 0;
        {
            std::lock_guard const lock{mutex_};
            auto const count = queue_.append(first);
            counters_.batch(count);
            to_wake = std::min(count, idle_);
        }
        for (; to_wake > 0; --to_wake) submitted_.notify_one();
    }

    [[nodiscard]] backend_kind kind() const noexcept override { return backend_kind::threads; }
    [[nodiscard]] backend_counters counters() const noexcept override { return counters_.snapshot(); }
    void tell(status::io_figures& into) const override { counters_.tell(into); }

private:
    /// Lets what was submitted come to its end.
    void end() noexcept {
        {
            std::lock_guard const lock{mutex_};
            ends_ = true;
        }
        submitted_.notify_all();
        for (auto& one : threads_) one.join();
    }

    void work() noexcept {
        std::unique_lock lock{mutex_};
        for (;;) {
            if (auto* const op = queue_.pop()) {
                counters_.in_flight(++working_, 0);
                lock.unlock();
                serve(*op);
                lock.lock();
                counters_.in_flight(--working_, 0);
            } else if (ends_) {
                return;
            } else {
                ++idle_;
                submitted_.wait(lock);
                --idle_;
            }
        }
    }

    void serve(read_op& op) noexcept {
        reset(op);
        op.clock_us = static_cast<std::uint32_t>(status::now_us());
        if (op.fd >= 0) transfer(op, op.fd);
        else open_and_transfer(op);
        counters_.op();
        counters_.took(op, status::now_us());
        op.done(op);
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

    live_counters counters_;
    shared_slots slots_;
    std::mutex mutex_;
    std::condition_variable submitted_;
    op_queue queue_;             // guarded by mutex_, as all below but threads_
    std::uint32_t idle_ = 0;     // threads that wait for submitted_
    std::uint32_t working_ = 0;  // threads with an op
    bool ends_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace

result<std::unique_ptr<backend>> start(backend_options const& options) {
    try {
        signals_blocked const blocked;
        return std::unique_ptr<backend>{std::make_unique<pool_backend>(options)};
    } catch (std::system_error const& refused) {  // no thread
        return from_errno(refused.code().value());
    }
}

}  // namespace submitit::io::threads
