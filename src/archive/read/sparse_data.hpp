// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "archive/read/sparse_map.hpp"

namespace submitit::archive::reader {

/// The stored data of one sparse tar entry, expanded. In format 1.0 it opens with its map: decimal lines (a count, then
/// offset and length of each extent), padded with NULs to a block.
/// Source: GNU tar manual, "Sparse Formats".
class sparse_data {
public:
    /// `map` is ignored when `map_in_data`.
    void start(sparse_map map, std::uint64_t real_size, bool map_in_data);

    /// False when the bytes contradict the map; `why()` then says how.
    [[nodiscard]] bool take(std::span<std::byte const> bytes, entry_sink& sink);
    [[nodiscard]] bool finish(entry_sink& sink);

    [[nodiscard]] std::string_view why() const noexcept { return why_; }
    /// The map was too long to follow: nothing was handed on.
    [[nodiscard]] bool followed() const noexcept { return map_.complete(); }

private:
    bool fail(std::string_view why);
    bool take_map_byte(std::byte byte);
    bool take_number(std::uint64_t number);

    sparse_map map_;
    std::uint64_t real_size_ = 0;
    bool in_map_ = false;
    bool have_count_ = false;
    bool have_offset_ = false;
    std::uint64_t extents_left_ = 0;
    std::uint64_t offset_ = 0;
    std::uint64_t number_ = 0;
    std::uint64_t digits_ = 0;
    std::uint64_t map_bytes_ = 0;
    std::uint64_t placed_ = 0;
    std::string_view why_;
};

}  // namespace submitit::archive::reader
