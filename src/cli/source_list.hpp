// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/export_arguments.hpp"
#include "cli/refusal.hpp"
#include "walk/source.hpp"

namespace submitit::cli {

/// Resolves the SOURCE arguments and the lines of --files-from, in order. Refuses what is missing or unreadable (3), two
/// sources that give one name (2), and a list that alone outgrows `memory_bytes` (6).
[[nodiscard]] std::optional<refusal> resolve_sources(export_arguments const& arguments, std::uint64_t memory_bytes,
                                                     std::vector<walk::source>& into);

}  // namespace submitit::cli
