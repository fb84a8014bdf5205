// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <span>
#include <utility>

namespace submitit::memory {

/// Page-aligned anonymous memory, given back to the system when it goes. Untouched pages cost nothing. Move-only.
class slab {
public:
    slab() noexcept = default;
    /// Throws std::bad_alloc.
    explicit slab(std::size_t bytes);
    slab(slab&& other) noexcept : bytes_{std::exchange(other.bytes_, {})} {}
    slab& operator=(slab&& other) noexcept {
        std::swap(bytes_, other.bytes_);
        return *this;
    }
    slab(slab const&) = delete;
    slab& operator=(slab const&) = delete;
    ~slab();

    [[nodiscard]] std::span<std::byte> bytes() const noexcept { return bytes_; }
    [[nodiscard]] explicit operator bool() const noexcept { return !bytes_.empty(); }

private:
    std::span<std::byte> bytes_;
};

/// Idle slabs of all sizes, for whoever needs one of the same size next: last in, first out, so that the hot set stays small.
/// The budget bounds how many are out; trim() bounds those that wait here. Thread-safe.
class slab_store {
public:
    /// An idle slab of exactly `bytes`, or a new one.
    [[nodiscard]] slab take(std::size_t bytes);
    void give(slab used);

    /// Unmaps the oldest idle slabs until at most `idle_bytes` are left.
    void trim(std::uint64_t idle_bytes);

private:
    std::mutex mutex_;
    std::deque<slab> idle_;  // oldest first
    std::uint64_t idle_bytes_ = 0;
};

}  // namespace submitit::memory
