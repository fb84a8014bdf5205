// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>

#include "base/result.hpp"
#include "base/unique_fd.hpp"

namespace submitit::walk {

/// The work tree a directory belongs to.
struct git_repository {
    unique_fd root;         ///< O_PATH: the directory that holds `.git`
    std::size_t depth = 0;  ///< components between the root and the directory asked about; 0 when they are one
    unique_fd common_dir;  ///< O_PATH: where info/exclude lies, $GIT_COMMON_DIR; empty when a `.git` file leads nowhere
};

/// Looks for the innermost directory at or above `dir_fd` that holds `.git`: a directory with HEAD, objects and refs,
/// or a file (worktree, submodule) naming one. Like git, does not cross into another file system on the way up, and
/// takes a `.git` directory that lacks those for no repository; unlike git, asks no environment variable.
///
/// Fails: out of descriptors and I/O errors only; a parent that may not be searched ends the search.
/// Source: gitrepository-layout(5), git(1) under GIT_DISCOVERY_ACROSS_FILESYSTEM.
[[nodiscard]] result<std::optional<git_repository>> find_git_repository(int dir_fd);

}  // namespace submitit::walk
