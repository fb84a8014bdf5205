// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>

#include "status/occupancy.hpp"
#include "status/snapshot.hpp"

namespace submitit::pipeline {

/// A number that many add to and anyone reads.
class tally {
public:
    void add(std::uint64_t count) noexcept { count_.fetch_add(count, std::memory_order_relaxed); }
    void set(std::uint64_t count) noexcept { count_.store(count, std::memory_order_relaxed); }
    [[nodiscard]] std::uint64_t get() const noexcept { return count_.load(std::memory_order_relaxed); }

private:
    std::atomic<std::uint64_t> count_{0};
};

/// A stage that tickets pass through. Any thread, no lock.
struct stage_meter {
    status::occupancy busy;
    status::occupancy waiting;
    tally items;
    tally bytes;

    void left(std::uint64_t with_bytes) noexcept {
        items.add(1);
        bytes.add(with_bytes);
    }
    [[nodiscard]] status::stage_figures told(std::uint64_t now_us) const;
};

/// A stage that one thread at a time works in and that may block it. What it does not spend on a processor counts as waiting.
class blocking_meter {
public:
    /// From its making to its end. `one_thread`: it stays on its thread, so that the processor's time can be told.
    class visit {
    public:
        visit(blocking_meter& in, bool one_thread) noexcept;
        ~visit();
        visit(visit const&) = delete;
        visit& operator=(visit const&) = delete;

    private:
        blocking_meter* in_;
        std::uint64_t cpu_began_us_ = 0;
        bool one_thread_;
    };

    tally items;
    tally bytes;
    [[nodiscard]] status::stage_figures told(std::uint64_t now_us) const;

private:
    status::occupancy inside_;
    tally cpu_us_;
    mutable status::high_mark waited_us_;
};

/// A value that one side changes and another reads now and then. The side that changes it never waits for a reader: it offers it
/// again later.
template <class T>
class shown {
public:
    /// False: a reader looks at it just now.
    bool offer(T const& value) {
        std::unique_lock const lock{mutex_, std::try_to_lock};
        if (lock.owns_lock()) value_ = value;
        return lock.owns_lock();
    }
    /// Waits for it.
    void put(T const& value) {
        std::lock_guard const lock{mutex_};
        value_ = value;
    }
    [[nodiscard]] T read() const {
        std::lock_guard const lock{mutex_};
        return value_;
    }

private:
    mutable std::mutex mutex_;
    T value_;
};

}  // namespace submitit::pipeline
