// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "base/file_stat.hpp"
#include "base/result.hpp"

namespace submitit::archive::reader {

/// The number of names of regular files below the directory, links not followed; `each` is called with every one, as a path
/// below the directory. `left_out` (the archive itself, if it
/// lies inside) is not counted. Nothing when the tree is deeper than 100 directories (each level holds one open) or the
/// caller cancelled. Fails: the first directory that cannot be read, unchanged.
[[nodiscard]] result<std::optional<std::uint64_t>> count_files(int directory_fd, file_stat const& left_out,
                                                               std::function<bool()> const& cancelled,
                                                               std::function<void(std::string_view)> const& each);

}  // namespace submitit::archive::reader
