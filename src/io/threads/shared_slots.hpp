// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "io/open_slots.hpp"

namespace submitit::io::threads {

/// open_slots between threads: take() waits for a slot. Nobody holds two, so nobody waits for himself.
class shared_slots {
public:
    explicit shared_slots(std::uint32_t most) noexcept : slots_{most} {}

    void take() {
        std::unique_lock lock{mutex_};
        changed_.wait(lock, [this] { return slots_.available(); });
        slots_.take();
    }

    void give_back() {
        bool risen = false;
        {
            std::lock_guard const lock{mutex_};
            auto const before = slots_.bound();
            slots_.give_back();
            risen = slots_.bound() > before;
        }
        changed_.notify_one();
        if (risen) changed_.notify_one();
    }

    /// Waits for what can help after EMFILE or ENFILE: a close by another thread here or, when no other has a file open,
    /// a millisecond.
    void refused();

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    open_slots slots_;  // guarded by mutex_
};

inline void shared_slots::refused() {
    std::unique_lock lock{mutex_};
    slots_.refused();
    if (slots_.held() != 0) {
        changed_.wait(lock, [this] { return slots_.available(); });
    } else {
        changed_.wait_for(lock, std::chrono::milliseconds{1});
    }
}

}  // namespace submitit::io::threads
