// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>

namespace submitit::io {

/// How many files a backend may hold open at once. The bound falls to what is open when the system is out of
/// descriptors, and rises again by one after every 64 files closed without a refusal, up to where it began.
///
/// A plain count without I/O; not thread-safe.
class open_slots {
public:
    explicit open_slots(std::uint32_t most) noexcept : most_{std::max(most, 1U)}, bound_{most_} {}

    [[nodiscard]] bool available() const noexcept { return held_ < bound_; }
    [[nodiscard]] std::uint32_t held() const noexcept { return held_; }
    [[nodiscard]] std::uint32_t bound() const noexcept { return bound_; }

    /// Before an open, only when available().
    void take() noexcept { ++held_; }

    /// After a close, or an open that failed for reasons of the file.
    void give_back() noexcept {
        --held_;
        if (bound_ == most_ || ++calm_ < closes_before_rise) return;
        calm_ = 0;
        ++bound_;
    }

    /// The open failed with EMFILE or ENFILE. With held() == 0 afterwards nobody here will close a file, so only time helps.
    void refused() noexcept {
        --held_;
        bound_ = std::clamp(held_, 1U, bound_);
        calm_ = 0;
    }

private:
    static constexpr std::uint32_t closes_before_rise = 64;
    std::uint32_t most_;
    std::uint32_t bound_;
    std::uint32_t held_ = 0;
    std::uint32_t calm_ = 0;
};

}  // namespace submitit::io
