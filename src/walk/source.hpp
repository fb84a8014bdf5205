// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/unique_fd.hpp"

namespace submitit::walk {

/// The open directory that a source's paths are confined to; shared by the entries found below it.
struct source_root {
    unique_fd fd;
};

/// One SOURCE, resolved but not yet opened for walking.
struct source {
    std::string given;      ///< as the user wrote it, for messages
    std::string real_path;  ///< absolute, no symlinks
    std::string name;       ///< stored root name; "" stores a directory's contents at the top
    bool is_directory = false;
};

/// Heap and object bytes of the list, for the budget.
[[nodiscard]] std::uint64_t footprint_bytes(std::vector<source> const& sources) noexcept;

/// How sources become stored names (CLI.md, "Sources and names").
struct source_request {
    std::string given;       ///< the argument
    std::string directory;   ///< -C: relative arguments start here; "" is the working directory
    bool keep_path = false;  ///< a line of --files-from: the relative path given is the stored name, as in tar
    std::string const* prefix = nullptr;  ///< --prefix, or null
    bool only_source = true;              ///< --prefix replaces the name of one directory, and goes before several
};

/// Looks the argument up. Fails with the system's error (ENOENT, EACCES), or EINVAL for "-" and "".
[[nodiscard]] result<source> resolve_source(source_request const& request);

/// Opens what the source's entries are read beneath: the directory itself, or "/" for a file.
[[nodiscard]] result<std::shared_ptr<source_root const>> open_root(source const& from);

}  // namespace submitit::walk
