// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_stat.hpp"
#include "walk/source.hpp"

namespace submitit::walk {

/// Longest stored name that an archive can take, far above what any reader does. A directory's contents have none below
/// a longer one, so the walk does not enter it.
inline constexpr std::size_t name_bytes_max = 64U * 1024U - 1;

enum class entry_kind : std::uint8_t { directory, file, symlink, hard_link, fifo, char_device, block_device };

struct xattr {
    std::string name;   ///< "user.comment"
    std::string value;  ///< raw bytes
};

/// One name that goes into the archive. Plain data; whoever holds it keeps the source's directory open.
struct entry {
    entry_kind kind = entry_kind::file;
    bool follow_links = false;      ///< reached through --dereference: opening it may follow links beneath the root
    std::string name;               ///< as stored: '/'-separated, relative, a directory ends in '/'
    std::uint32_t path_offset = 0;  ///< where the path below the source's root begins in `name`
    std::string open_path;          ///< overrides that path when not empty (a file given as SOURCE)
    std::shared_ptr<source_root const> root;
    file_stat stat;           ///< the walker's, before anything is read
    std::string link_target;  ///< symlink: its text; hard link: the stored name of the first
    std::vector<xattr> xattrs;
    std::string const* owner = nullptr;  ///< user name or null; lives as long as the walk's name table
    std::string const* group = nullptr;

    /// Relative to root->fd; "." for the root directory itself.
    [[nodiscard]] std::string_view path() const noexcept {
        if (!open_path.empty()) return open_path;
        std::string_view below{name};
        below.remove_prefix(path_offset);
        if (below.ends_with('/')) below.remove_suffix(1);
        return below.empty() ? std::string_view{"."} : below;
    }

    [[nodiscard]] std::uint64_t xattr_bytes() const noexcept {
        std::uint64_t bytes = 0;
        for (auto const& attribute : xattrs) bytes += attribute.name.size() + attribute.value.size() + 64;
        return bytes;
    }

    /// Heap and object bytes of this record, for the budget.
    [[nodiscard]] std::uint64_t footprint_bytes() const noexcept {
        return sizeof(entry) + name.capacity() + open_path.capacity() + link_target.capacity() + xattr_bytes();
    }
};

}  // namespace submitit::walk
