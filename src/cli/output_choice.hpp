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

/// An opened output and what a walk must leave out because of it.
struct opened_output {
    std::unique_ptr<publish::sink> sink;
    std::vector<std::pair<std::uint64_t, std::uint64_t>> own;  ///< (dev, ino)
};

/// Opens -o (CLI.md, "Output"): a named file, a dated name in a directory, a pipe or device, or standard output.
[[nodiscard]] std::optional<refusal> open_output(export_arguments const& arguments, format kind,
                                                 std::vector<walk::source> const& sources,
                                                 std::atomic<bool> const& stop, opened_output& into);

}  // namespace submitit::cli
