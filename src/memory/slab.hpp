// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

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

/// Slabs of one size, last in first out, so that the hot set stays small. The budget bounds how many are out; those
/// that wait here belong to grants the budget already counts against its limit. Thread-safe.
class slab_pool {
public:
    explicit slab_pool(std::size_t slab_bytes) : slab_bytes_{slab_bytes} {}
    [[nodiscard]] slab take();
    void give(slab used);
    [[nodiscard]] std::size_t slab_bytes() const noexcept { return slab_bytes_; }

private:
    std::size_t slab_bytes_;
    std::mutex mutex_;
    std::vector<slab> free_;
};

}  // namespace submitit::memory
