// SPDX-License-Identifier: Apache-2.0
#include "cli/pattern_file.hpp"

#include <cstdio>
#include <memory>

#include "base/display_name.hpp"
#include "base/sizes.hpp"
#include "cli/exit_status.hpp"

namespace submitit::cli {
namespace {

constexpr std::size_t pattern_file_max = 1U << 20U;  // as of a .gitignore

}  // namespace

std::optional<refusal> read_patterns(std::string const& path, std::vector<walk::selection_rule>& into) {
    auto const refused = [&path](std::string const& why) {
        return refusal{usage, "--exclude-from " + display_name(path) + ": the pattern file cannot be read: " + why +
                                  ". Name one that can, or leave it out"};
    };
    std::unique_ptr<std::FILE, int (*)(std::FILE*)> const file{std::fopen(path.c_str(), "re"), std::fclose};
    if (!file) return refused(last_errno().message());
    std::string text(pattern_file_max + 1, '\0');
    text.resize(std::fread(text.data(), 1, text.size(), file.get()));
    if (std::ferror(file.get()) != 0) return refused(last_errno().message());
    if (text.size() > pattern_file_max) return refused("it is larger than " + format_size(pattern_file_max));
    for (auto& rule : walk::parse_selection_rules(text)) into.push_back(std::move(rule));
    return std::nullopt;
}

}  // namespace submitit::cli
