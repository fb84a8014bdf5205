// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace submitit::testing {

/// One entry as libarchive decodes it: a reader that shares nothing with the writers.
struct archive_entry_seen {
    std::string name;  ///< raw bytes
    char kind = '?';   ///< as ls -l shows it; 'h' a hard link
    unsigned mode = 0;
    std::int64_t mtime = 0;
    std::int64_t mtime_ns = 0;
    std::int64_t uid = 0;
    std::int64_t gid = 0;
    std::string owner;
    std::string group;
    std::string target;  ///< of links
    std::string content;
    std::map<std::string, std::string> attributes;
};

/// Reads an archive from a file. Fails the test when libarchive finds anything wrong with it.
[[nodiscard]] std::vector<archive_entry_seen> entries_of(std::string const& path);

/// Only the names, in the order of the archive.
[[nodiscard]] std::vector<std::string> names_of(std::string const& path);

/// The entry of that name; fails the test when there is none.
[[nodiscard]] archive_entry_seen entry_of(std::string const& path, std::string const& name);

}  // namespace submitit::testing
