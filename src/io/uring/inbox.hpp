// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>

#include "base/unique_fd.hpp"
#include "io/op_queue.hpp"

namespace submitit::io::uring {

/// Where other threads leave operations for the I/O thread, which is woken through an eventfd. A mutex, held for a few
/// pointer writes: nothing cleverer pays.
///
/// Alive: outlives the I/O thread.
class inbox {
public:
    [[nodiscard]] result<> open();

    /// Any thread. `first`: a list linked by `next`.
    void put(read_op* first) noexcept;

    /// Any thread: no more lists will come, except from `done` on the I/O thread.
    void close() noexcept;

    struct delivery {
        read_op* first = nullptr;
        bool closed = false;
    };
    /// The I/O thread. From now on it is awake: what comes is left for its next take(), without a wake-up.
    [[nodiscard]] delivery take() noexcept;

    /// The I/O thread, before it waits for completions, one of which is the wake-up. False: something has come; take it first.
    [[nodiscard]] bool may_sleep() noexcept;

    [[nodiscard]] int wake_fd() const noexcept { return wake_fd_.get(); }

private:
    void wake() noexcept;

    std::mutex mutex_;
    op_queue waiting_;     // guarded by mutex_
    bool closed_ = false;  // guarded by mutex_
    bool asleep_ = false;  // guarded by mutex_; no wake-up is on its way
    bool news_ = false;    // guarded by mutex_; since the last take()
    unique_fd wake_fd_;
};

}  // namespace submitit::io::uring
