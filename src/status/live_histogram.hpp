// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "status/snapshot.hpp"

namespace submitit::status {

/// A histogram while it counts. Any thread, without a lock; a reader may see a value in one of its figures before another.
template <std::size_t Bounds>
class live_histogram {
public:
    using bounds_type = std::array<std::uint64_t, Bounds>;

    /// Values are counted by the first bound that is not smaller, so bounds rise.
    explicit constexpr live_histogram(bounds_type const& bounds) : bounds_{bounds} {}

    void add(std::uint64_t value) noexcept {
        auto const at = std::lower_bound(bounds_.begin(), bounds_.end(), value) - bounds_.begin();
        counts_[static_cast<std::size_t>(at)].fetch_add(1, std::memory_order_relaxed);
        sum_.fetch_add(value, std::memory_order_relaxed);
    }

    /// Cumulative; a unit of values is `unit` of what is told.
    [[nodiscard]] histogram told(double unit) const {
        histogram made;
        std::uint64_t below = 0;
        for (std::size_t i = 0; i < Bounds; ++i) {
            below += counts_[i].load(std::memory_order_relaxed);
            made.bounds.push_back(static_cast<double>(bounds_[i]) * unit);
            made.counts.push_back(below);
        }
        made.count = below + counts_[Bounds].load(std::memory_order_relaxed);
        made.sum = static_cast<double>(sum_.load(std::memory_order_relaxed)) * unit;
        return made;
    }

private:
    bounds_type bounds_;
    std::array<std::atomic<std::uint64_t>, Bounds + 1> counts_{};
    std::atomic<std::uint64_t> sum_{0};
};

}  // namespace submitit::status
