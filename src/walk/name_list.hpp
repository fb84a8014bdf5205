// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/spill_file.hpp"

namespace submitit::walk {

/// The names of one directory in stored-name order (byte-wise, a directory's name ending in '/'), in bounded
/// memory: sorted runs go to a spill file when the window is full and are merged on the way out.
///
/// Use: add() every name, then sort(), then next() until it answers false. suspend() between calls of next() frees the
/// memory of a list that is not needed for a while; the next next() reads it back. Not thread-safe.
class name_list {
public:
    /// `window_bytes` bounds the names held in memory; `spill` is shared by the lists of one walk and outlives them.
    name_list(std::size_t window_bytes, spill_file& spill) : window_bytes_{window_bytes}, spill_{&spill} {}

    [[nodiscard]] result<> add(std::string_view name, std::uint8_t type, bool is_directory);
    [[nodiscard]] result<> sort();

    struct item {
        std::string name;
        std::uint8_t type = 0;      ///< d_type as add() was told
        bool is_directory = false;  ///< how it was sorted
    };
    /// False at the end. Fails when the spill file cannot be read.
    [[nodiscard]] result<bool> next(item& out);

    [[nodiscard]] result<> suspend();
    [[nodiscard]] std::size_t memory_bytes() const noexcept;

private:
    /// Names as they lie in memory and in the spill file: 2 bytes length, 1 type, 1 directory flag, the name.
    struct run {
        std::uint64_t offset = 0;  ///< of the first byte not yet in `buffer`
        std::uint64_t end = 0;
        std::vector<std::byte> buffer;
        std::size_t at = 0;  ///< first unread byte of the buffer
    };

    [[nodiscard]] result<> spill_run();
    [[nodiscard]] result<> write_sorted(std::size_t first);
    [[nodiscard]] result<bool> fill(run& from) const;
    static void give(std::byte const* record, item& out);
    [[nodiscard]] static bool before(std::byte const* left, std::byte const* right) noexcept;

    std::size_t window_bytes_;
    spill_file* spill_;
    std::vector<std::byte> arena_;
    std::vector<std::uint32_t> order_;  ///< offsets into the arena
    std::size_t position_ = 0;          ///< in order_
    std::vector<run> runs_;
    std::vector<std::uint32_t> heap_;  ///< runs that still have names; meaningful while merging_
    bool merging_ = false;
};

}  // namespace submitit::walk
