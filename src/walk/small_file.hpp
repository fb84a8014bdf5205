// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "base/result.hpp"

namespace submitit::walk {

struct small_file_options {
    std::size_t bytes_max = 1 << 20;
    bool follow_links = false;  ///< of the last component
};

/// The whole of the regular file `name` below `dir_fd`; nothing when there is no such file, or it is a symlink not to
/// be followed, a directory, a device or a FIFO (which is never waited for).
///
/// Fails: EFBIG above bytes_max, EACCES and other errors of openat, fstat and read unchanged.
[[nodiscard]] result<std::optional<std::string>> read_small_file(int dir_fd, std::string const& name,
                                                                 small_file_options options);

}  // namespace submitit::walk
