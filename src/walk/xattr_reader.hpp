// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "walk/entry.hpp"

namespace submitit::walk {

/// Most bytes of extended attributes kept of one entry, names and values.
inline constexpr std::size_t xattr_bytes_max = 256 * 1024;

/// Reads the extended attributes of `name` in `dir_fd`, sorted by name; of the target where `name` is a
/// link and `follow` is set. `all`: also security.* and
/// trusted.*. Returns why some were left out, in words ("" when none were): a name with '=' (no pax key), more than
/// xattr_bytes_max, an error other than "not supported" or "vanished" (the read of the file will say that).
/// Source: listxattr(7); the *at system calls of Linux 6.13 where present, /proc/self/fd/N/NAME elsewhere.
[[nodiscard]] std::string read_xattrs_at(int dir_fd, std::string_view name, bool follow, bool all,
                                         std::vector<xattr>& out);

}  // namespace submitit::walk
