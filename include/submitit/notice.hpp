// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include <boost/system/error_code.hpp>

namespace submitit {

/// Everything that can be said about a name that did not simply go into an archive. Each has its own counter.
enum class notice_kind : std::uint8_t {
    vanished,        ///< listed, then gone
    changed,         ///< modified while it was read
    damaged,         ///< stored, but with zeros where bytes could not be had
    unreadable,      ///< permission or I/O error: left out
    replaced,        ///< another inode or type than the walk saw: left out
    refused,         ///< --dereference: the target is outside the source
    special,         ///< FIFO or device in a format that cannot hold it
    name_warning,    ///< stored, but some readers will show another name
    attribute_lost,  ///< stored without some of its extended attributes
    unsupported,     ///< the format cannot hold it (a name or target that is too long)
    socket,          ///< note only
    skipped_mount,   ///< note only: proc, sysfs, cgroup, debugfs, tracefs, or --one-file-system
    own_output,      ///< note only: the output or ./exports inside a source
    ignored_source,  ///< note only: --gitignore, and the repository ignores the SOURCE itself
};

/// How many there are.
inline constexpr std::size_t notice_kinds = 14;

/// Notes leave the exit status at 0.
[[nodiscard]] constexpr bool is_note(notice_kind kind) noexcept {
    return kind == notice_kind::socket || kind == notice_kind::skipped_mount || kind == notice_kind::own_output ||
           kind == notice_kind::ignored_source;
}

/// "vanished", "changed", ...
[[nodiscard, gnu::visibility("default")]] char const* to_string(notice_kind kind) noexcept;

/// What happened to one name.
struct notice {
    notice_kind kind = notice_kind::unreadable;  ///< what
    std::string path;                            ///< stored name, raw bytes
    boost::system::error_code error;             ///< may be empty
    std::string detail;                          ///< may be empty; completes the sentence

    /// Heap and object bytes, for the budget.
    [[nodiscard]] std::size_t footprint_bytes() const noexcept {
        return sizeof(notice) + path.capacity() + detail.capacity();
    }
};

}  // namespace submitit
