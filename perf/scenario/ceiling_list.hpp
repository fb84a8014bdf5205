// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace submitit::perf {

/// A regular file of the tree: its name, and the index of the open directory it is in.
struct file_ref {
    std::size_t directory;
    std::size_t name_at;  ///< offset of a NUL-terminated name in work_list::names
    std::uint64_t size;
};

/// One piece of a unit: bytes [begin, end) of a file.
struct piece {
    std::size_t file;
    std::uint64_t begin;
    std::uint64_t end;
};

/// Every regular file below a directory, in the order the file system gives them. Directories stay open for
/// openat until the program ends: one descriptor each, so the soft limit is raised to the hard one.
struct work_list {
    std::vector<int> directories;
    std::vector<file_ref> files;
    std::string names;
    std::uint64_t bytes = 0;
};

/// Lists `root`; ends the program with a message when a directory cannot be read.
[[nodiscard]] work_list list_tree(char const* root);

/// The files laid end to end and cut every `unit_bytes`; 0 makes each file one unit.
[[nodiscard]] std::vector<std::vector<piece>> cut(work_list const& list, std::uint64_t unit_bytes);

/// Prints `what` with errno's words and ends the program: a benchmark that failed has no number to give.
[[noreturn]] void fail(char const* what);

}  // namespace submitit::perf
