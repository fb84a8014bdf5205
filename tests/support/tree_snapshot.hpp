// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace submitit::testing {

/// What one name of a tree is, as far as an archive can hold it.
struct tree_node {
    char kind = '?';  ///< as ls -l shows it
    unsigned mode = 0;
    std::int64_t mtime = 0;
    std::int64_t mtime_ns = 0;
    std::uint64_t size = 0;
    std::uint64_t hash = 0;  ///< of a file's content
    std::string target;      ///< of a symlink
    std::string first_name;  ///< of a hard-linked file: the bytewise first name of its inode
};

/// Names relative to the root, raw bytes; the root itself is "". Any depth, any length of path.
using tree_snapshot = std::map<std::string, tree_node>;

[[nodiscard]] tree_snapshot snapshot(std::string const& root);

/// What a reader cannot give back, by its format or by its own limits.
struct compare_rules {
    bool nanoseconds = true;
    bool times = true;
    bool link_times = true;  ///< of symlinks
    bool directory_times = true;
    bool hard_links = true;
    bool modes = true;
    unsigned mode_mask = 07777;
};

/// The first ten differences, one a line: "NAME: what". Empty: equal.
[[nodiscard]] std::string differences(tree_snapshot const& wanted, tree_snapshot const& found,
                                      compare_rules rules = {});

}  // namespace submitit::testing
