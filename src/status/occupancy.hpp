// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace submitit::status {

/// Microseconds of a steady clock. A reading costs some 25 ns, so one serves as the end of a thing and the beginning of the next.
[[nodiscard]] inline std::uint64_t now_us() noexcept {
    auto const since = std::chrono::steady_clock::now().time_since_epoch();
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(since).count());
}

/// What was told once is not taken back: counters that are read while they change may seem to fall by some microseconds.
class high_mark {
public:
    std::uint64_t raise_to(std::uint64_t seen) noexcept {
        auto told = told_.load(std::memory_order_relaxed);
        while (told < seen && !told_.compare_exchange_weak(told, seen, std::memory_order_relaxed)) {
        }
        return told < seen ? seen : told;
    }

private:
    std::atomic<std::uint64_t> told_{0};
};

/// How many are in a place, and how long all of them together have been there, those that still are included.
///
/// Threads: any, without a lock: a count and a sum in one word, so that a reader never sees one without the other.
/// Limits:  65,535 at once; 8 years in sum.
class occupancy {
public:
    void enter(std::uint64_t at_us) noexcept { word_.fetch_add(1 - (at_us << count_bits), std::memory_order_relaxed); }
    /// One that entered.
    void leave(std::uint64_t at_us) noexcept { word_.fetch_add((at_us << count_bits) - 1, std::memory_order_relaxed); }

    [[nodiscard]] std::uint64_t depth() const noexcept { return word_.load(std::memory_order_relaxed) & count_mask; }
    /// `at_us`: now. Never less than it said before; for those who ask, not for those who enter.
    [[nodiscard]] std::uint64_t sum_us(std::uint64_t at_us) const noexcept {
        auto const word = word_.load(std::memory_order_relaxed);
        auto const sum = (word + (word & count_mask) * (at_us << count_bits)) >> count_bits;
        bool const entered_since = sum >> (time_bits - 1) != 0;  // below zero
        return told_.raise_to(entered_since ? 0 : sum);
    }

private:
    // The sum counts modulo 2^48 microseconds, and so may the clock: each that leaves takes away what it added when it entered.
    static constexpr unsigned count_bits = 16;
    static constexpr unsigned time_bits = 64 - count_bits;
    static constexpr std::uint64_t count_mask = (std::uint64_t{1} << count_bits) - 1;
    std::atomic<std::uint64_t> word_{0};
    mutable high_mark told_;
};

/// From its making to its end.
class staying {
public:
    explicit staying(occupancy& in) noexcept : in_{&in} { in.enter(now_us()); }
    ~staying() { in_->leave(now_us()); }
    staying(staying const&) = delete;
    staying& operator=(staying const&) = delete;

private:
    occupancy* in_;
};

}  // namespace submitit::status
