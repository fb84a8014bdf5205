// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/source_list.hpp"
#include "walk/selection.hpp"

namespace submitit::cli {

/// --exclude-from: appends the rules of the pattern file at `path` to `into`. Refuses one that cannot be read.
[[nodiscard]] std::optional<refusal> read_patterns(std::string const& path, std::vector<walk::selection_rule>& into);

}  // namespace submitit::cli
