// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>

#include "io/backend.hpp"
#include "io/scratch.hpp"

namespace submitit::io::testing {

/// Some reads and the wait for all of them. Must outlive them; the destructor waits.
class reads {
public:
    reads() = default;
    reads(reads const&) = delete;
    reads& operator=(reads const&) = delete;
    ~reads() { wait(); }

    /// Prepares one: `count` bytes wanted. The record stays where it is; change it before submit().
    read_op& add(int root_fd, std::string path, std::uint64_t count, std::uint64_t offset = 0) {
        auto& one = all_.emplace_back();
        one.path = std::move(path);
        one.buffer.assign(count, std::byte{0xEE});
        one.op.root_fd = root_fd;
        one.op.path = one.path;
        one.op.data = one.buffer.data();
        one.op.bytes = count;
        one.op.offset = offset;
        one.op.context = this;
        one.op.done = [](read_op& op) noexcept { static_cast<reads*>(op.context)->finished(op); };
        return one.op;
    }

    /// All as one list, in the order of add().
    void submit(backend& to) {
        read_op* first = nullptr;
        for (auto one = all_.rbegin(); one != all_.rend(); ++one) {
            one->op.next = first;
            first = &one->op;
        }
        {
            std::lock_guard const lock{mutex_};
            waiting_ += all_.size();
        }
        to.submit(first);
    }

    void wait() {
        std::unique_lock lock{mutex_};
        changed_.wait(lock, [this] { return waiting_ == 0; });
    }

    void run(backend& on) {
        submit(on);
        wait();
    }

    [[nodiscard]] read_op& operator[](std::size_t i) { return all_[i].op; }
    [[nodiscard]] std::size_t size() const { return all_.size(); }

    /// What was read by the i-th.
    [[nodiscard]] bytes content(std::size_t i) const {
        auto const& one = all_[i];
        return {one.buffer.begin(), one.buffer.begin() + static_cast<std::ptrdiff_t>(one.op.got)};
    }

private:
    struct one_read {
        std::string path;
        bytes buffer;
        read_op op;
    };

    void finished(read_op&) noexcept {
        std::lock_guard const lock{mutex_};
        if (--waiting_ == 0) changed_.notify_all();
    }

    std::deque<one_read> all_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::size_t waiting_ = 0;
};

}  // namespace submitit::io::testing
