// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.hpp"
#include "base/unique_fd.hpp"

namespace submitit {

/// How a path below a source is opened.
struct beneath_options {
    bool cached_only = false;      ///< RESOLVE_CACHED: fails with EAGAIN instead of waiting for a disk
    bool follow_links = false;     ///< --dereference: follow symlinks whose target stays beneath the root
    bool one_file_system = false;  ///< RESOLVE_NO_XDEV: crossing a mount fails with EXDEV
};

/// The same rules as openat2's `resolve` flags, for callers that make the system call by other means (io_uring).
[[nodiscard]] std::uint64_t resolve_flags(beneath_options options) noexcept;

/// Opens `path` (relative, no leading slash; "" or "." is the root itself) strictly below the directory
/// `root_fd`, with `flags` (O_CLOEXEC is added). No component may be a symlink unless follow_links, none may be
/// a magic link, and ".." may not escape.
///
/// Paths longer than PATH_MAX are opened piecewise.
/// Fails: openat2's errors unchanged: ELOOP (a component is a symlink), EXDEV (escape or mount), EAGAIN (cached_only
///        and not cached; also after 16 renames raced with "..").
/// Source: openat2(2). Where the system call is missing or filtered, component-wise openat with O_NOFOLLOW
///        (then cached_only always answers EAGAIN, and follow_links is refused with ELOOP).
[[nodiscard]] result<unique_fd> open_beneath(int root_fd, std::string_view path, int flags,
                                             beneath_options options = {}) noexcept;

}  // namespace submitit
