// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "base/spill_file.hpp"
#include "walk/entry.hpp"

namespace submitit::plan {

using inode_key = std::pair<std::uint64_t, std::uint64_t>;  ///< dev, ino

/// Remembers the first stored name of every inode with several links. Within `window_bytes` in memory; past that,
/// everything moves to an open-addressed table in an unnamed file. One thread.
class hard_link_table {
public:
    explicit hard_link_table(std::size_t window_bytes) : window_bytes_{window_bytes} {}

    struct first_name {
        std::string name;
        std::uint64_t seq = 0;  ///< ticket that stores it
    };
    /// The first name of `key` if one was added. `nlink` lets an entry go once all its names were seen.
    [[nodiscard]] result<std::optional<first_name>> find(inode_key key);
    [[nodiscard]] result<> add(inode_key key, std::string_view name, std::uint64_t seq, std::uint32_t nlink);
    [[nodiscard]] result<> forget(inode_key key);

    [[nodiscard]] bool spilled() const noexcept { return slot_count_ != 0; }

private:
    struct key_hash {
        std::size_t operator()(inode_key const& key) const noexcept;
    };
    struct held {
        std::string name;
        std::uint64_t seq = 0;
        std::uint32_t names_left = 0;
    };
    struct slot;  // as it lies in the file

    [[nodiscard]] result<> move_to_file();
    [[nodiscard]] result<> grow(std::uint64_t slots);
    [[nodiscard]] result<std::uint64_t> probe(inode_key key, slot& found) const;
    [[nodiscard]] result<> put(slot const& record);

    std::size_t window_bytes_;
    std::size_t held_bytes_ = 0;
    std::unordered_map<inode_key, held, key_hash> held_;
    spill_file names_;
    spill_file table_;
    std::uint64_t slot_count_ = 0;
    std::uint64_t used_ = 0;
};

/// Which first names could not be stored, told by the workers: a link to one of those cannot be a link. Thread-safe.
class link_outcomes {
public:
    explicit link_outcomes(std::size_t window_bytes) : window_bytes_{window_bytes}, failed_{window_bytes} {}

    void first_failed(inode_key key);
    [[nodiscard]] bool has_failed(inode_key key);
    /// Forgets all of them: their other names are about to be planned as ordinary entries.
    void clear();

    /// Set once the temporary file failed; the answers are worthless then.
    [[nodiscard]] error_code error() const;

private:
    mutable std::mutex mutex_;
    std::size_t window_bytes_;
    hard_link_table failed_;
    error_code error_;
};

}  // namespace submitit::plan
