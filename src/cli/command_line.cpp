// SPDX-License-Identifier: Apache-2.0
#include "cli/command_line.hpp"

#include <string_view>

namespace submitit::cli {
namespace {

bool takes_value(CLI::App const& command, std::string const& option) {
    auto const* const found = command.get_option_no_throw(option);
    return found != nullptr && found->get_expected_min() > 0;
}

/// "-q", "-qv", "-l9", "-l": whether the last letter wants the next argument.
bool ends_in_need(CLI::App const& command, std::string_view cluster) {
    for (std::size_t at = 1; at < cluster.size(); ++at)
        if (takes_value(command, {'-', cluster[at]})) return at + 1 == cluster.size();
    return false;
}

bool wants_next(CLI::App const& command, std::string const& argument) {
    if (!argument.starts_with("--")) return ends_in_need(command, argument);
    return argument.find('=') == std::string::npos && takes_value(command, argument);
}

/// Neither an option nor a group of them; "-" alone is none either.
bool is_plain(std::string const& argument) { return !argument.starts_with('-') || argument.size() == 1; }

}  // namespace

command_line read_command_line(int argc, char const* const* argv, CLI::App const& export_command) {
    command_line read;
    auto& kept = read.arguments;
    bool exporting = false;
    bool only_sources = false;
    for (int i = 1; i < argc; ++i) {
        std::string const argument = argv[i];
        if (exporting && (only_sources || is_plain(argument))) {
            read.sources.push_back(argument);
            continue;
        }
        if (exporting && argument == "--") {
            only_sources = true;
            continue;
        }
        bool const value_follows = exporting && wants_next(export_command, argument);
        exporting = exporting || (kept.empty() && argument == export_command.get_name());
        auto const equals = argument.find('=');
        if (argument.starts_with("--") && equals + 1 == argument.size()) {
            kept.push_back(argument.substr(0, equals));
            kept.emplace_back();
        } else {
            kept.push_back(argument);
        }
        if (value_follows && i + 1 < argc) kept.emplace_back(argv[++i]);
    }
    return read;
}

}  // namespace submitit::cli
