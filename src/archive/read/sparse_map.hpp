// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "archive/read/entry_sink.hpp"
#include "archive/read/tar_header.hpp"

namespace submitit::archive::reader {

/// Where the stored bytes of a sparse tar entry belong, and the walk along it that turns them into data and holes.
/// At most 128 Ki extents (2 MiB): more are counted, not kept, and `complete()` is false then.
class sparse_map {
public:
    static constexpr std::size_t extents_max = std::size_t{128} * 1024;

    /// False when the extent starts before the end of the one before, or leaves 64 bits.
    [[nodiscard]] bool add(sparse_extent extent);

    [[nodiscard]] bool complete() const noexcept { return complete_; }
    [[nodiscard]] std::uint64_t stored_bytes() const noexcept { return stored_; }
    [[nodiscard]] std::uint64_t end() const noexcept { return end_; }

    /// Places the next stored bytes. No more than stored_bytes() in all may be given. Needs complete().
    void place(std::span<std::byte const> bytes, entry_sink& sink);

    /// Everything stored has been placed: the holes up to `real_size`.
    void close(std::uint64_t real_size, entry_sink& sink);

private:
    void hole_up_to(std::uint64_t offset, entry_sink& sink);

    std::vector<sparse_extent> extents_;
    std::uint64_t stored_ = 0;
    std::uint64_t end_ = 0;
    bool complete_ = true;
    std::size_t next_ = 0;         // extent being filled
    std::uint64_t in_extent_ = 0;  // bytes of it placed
    std::uint64_t position_ = 0;   // in the expanded file
};

}  // namespace submitit::archive::reader
