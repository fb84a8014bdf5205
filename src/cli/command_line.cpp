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

}  // namespace

command_line read_command_line(int argc, char const* const* argv, CLI::App const& export_command) {
    command_line read;
    auto& kept = read.arguments;
    bool exporting = false;
    bool only_sources = false;
    for (int i = 1; i < argc; ++i) {
        std::string const argument = argv[i];
        auto const equals = argument.find('=');
        bool value_follows = false;
        if (!exporting) {
            exporting = argument == export_command.get_name() && kept.empty();
        } else if (only_sources) {
            read.sources.push_back(argument);
            continue;
        } else if (argument == "--") {
            only_sources = true;
            continue;
        } else if (argument.starts_with("--")) {
            value_follows = equals == std::string::npos && takes_value(export_command, argument);
        } else if (argument.starts_with('-') && argument.size() > 1) {
            value_follows = ends_in_need(export_command, argument);
        } else {
            read.sources.push_back(argument);
            continue;
        }
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
