// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace submitit::cli {

/// The arguments as CLI11 can take them, and apart from them what it would misread.
struct command_line {
    std::vector<std::string> arguments;  ///< in order, without the program's name
    std::vector<std::string> sources;    ///< of `export`: all that is neither an option nor its value
};

/// CLI11 takes a SOURCE named "[x]" for a list of one, "x"; loses what follows "--"; and lets "--name=", an empty value, take
/// the next argument. So sources are taken out, and "--name=" becomes two arguments.
[[nodiscard]] command_line read_command_line(int argc, char const* const* argv, CLI::App const& export_command);

}  // namespace submitit::cli
