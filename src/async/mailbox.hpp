// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <optional>

#include "async/wakeup.hpp"

namespace submitit::async {

/// A bounded queue from threads that may block to one coroutine that may not.
template <class T>
class mailbox {
public:
    explicit mailbox(std::size_t capacity) : capacity_{capacity} {}

    /// Blocks while the box is full. False, dropping `item`, once it is closed.
    bool send(T item) {
        {
            std::unique_lock lock{mutex_};
            not_full_.wait(lock, [this] { return closed_ || items_.size() < capacity_; });
            if (closed_) return false;
            items_.push_back(std::move(item));
        }
        wakeup_.notify();
        return true;
    }

    /// No more items come; what is in the box is still delivered.
    void close() {
        {
            std::lock_guard const lock{mutex_};
            closed_ = true;
        }
        not_full_.notify_all();
        wakeup_.notify();
    }

    /// The next item; none once the box is closed and empty. One receiver.
    asio::awaitable<std::optional<T>> receive() {
        for (;;) {
            {
                std::unique_lock lock{mutex_};
                if (!items_.empty()) {
                    std::optional<T> item{std::move(items_.front())};
                    items_.pop_front();
                    lock.unlock();
                    not_full_.notify_one();
                    co_return item;
                }
                if (closed_) co_return std::nullopt;
            }
            co_await wakeup_.wait();
        }
    }

private:
    std::size_t capacity_;
    std::mutex mutex_;
    std::condition_variable not_full_;
    std::deque<T> items_;
    bool closed_ = false;
    wakeup wakeup_;
};

}  // namespace submitit::async
