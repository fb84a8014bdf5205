// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/source_list.hpp"
#include "publish/sink.hpp"
#include "submitit/format.hpp"

namespace submitit::cli {

/// Which container, by -f, the suffix of -o, or the default.
[[nodiscard]] std::optional<refusal> choose_format(export_arguments const& arguments, format& into);

using identities = std::vector<std::pair<std::uint64_t, std::uint64_t>>;  ///< (dev, ino)

/// An opened output and what a walk must leave out because of it.
struct opened_output {
    std::unique_ptr<publish::sink> sink;
    identities own;
};

/// Opens -o (CLI.md, "Output"): a named file, a dated name in a directory, a pipe or device, or standard output.
[[nodiscard]] std::optional<refusal> open_output(export_arguments const& arguments, format kind,
                                                 std::vector<walk::source> const& sources,
                                                 std::atomic<bool> const& stop, opened_output& into);

/// What an export with these arguments would leave out, for --dry-run: an existing output, and ./exports.
[[nodiscard]] identities own_outputs(export_arguments const& arguments);

/// "-", and the names the system has for the same descriptor: a summary must not follow the archive there.
[[nodiscard]] bool is_standard_output(std::string const& path);

}  // namespace submitit::cli
