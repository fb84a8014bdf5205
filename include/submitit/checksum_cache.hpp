// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>

namespace submitit {

namespace detail {
class export_state;
}

/// Checksums of files' contents, remembered by device, inode, size, mtime and ctime, so that a stored zip can be measured without
/// reading what was read before. Shared by any number of exports. All members on any thread at once.
///
/// Memory: some 150 bytes a file, outside any budget; beyond `entries_max` the oldest are forgotten.
class [[gnu::visibility("default")]] checksum_cache {
public:
    /// Empty.
    explicit checksum_cache(std::size_t entries_max = std::size_t{1} << 20U);
    ~checksum_cache();
    checksum_cache(checksum_cache const&) = delete;
    checksum_cache& operator=(checksum_cache const&) = delete;

    /// Files whose checksum is known.
    [[nodiscard]] std::size_t size() const;

private:
    friend class detail::export_state;
    struct [[gnu::visibility("hidden")]] state;
    std::shared_ptr<state> state_;
};

}  // namespace submitit
