// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/export_arguments.hpp"
#include "walk/source.hpp"

namespace submitit::cli {

/// A command line that cannot be carried out: what to say, and the exit status.
struct refusal {
    int status = 2;
    std::string message;
};

/// Refuses (6) a list that alone outgrows `memory_bytes`. Resolves the SOURCE arguments and the lines of --files-from, in order. Refuses what is missing or unreadable (3) and two
/// sources that give one name (2).
[[nodiscard]] std::optional<refusal> resolve_sources(export_arguments const& arguments, std::uint64_t memory_bytes,
                                                     std::vector<walk::source>& into);

}  // namespace submitit::cli
