// SPDX-License-Identifier: Apache-2.0
#include "cli/pattern_file.hpp"

#include <fstream>
#include <iterator>

#include "base/display_name.hpp"
#include "cli/exit_status.hpp"

namespace submitit::cli {

std::optional<refusal> read_patterns(std::string const& path, std::vector<walk::selection_rule>& into) {
    std::ifstream file{path, std::ios::binary};
    std::string const text{std::istreambuf_iterator<char>{file}, {}};
    if (!file.is_open() || file.bad())
        return refusal{usage, "--exclude-from " + display_name(path) + ": the pattern file cannot be read: " +
                                  last_errno().message() + ". Name one that can, or leave it out"};
    for (auto& rule : walk::parse_selection_rules(text)) into.push_back(std::move(rule));
    return std::nullopt;
}

}  // namespace submitit::cli
