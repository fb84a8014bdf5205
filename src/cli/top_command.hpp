// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include <CLI/CLI.hpp>

#include "cli/signals.hpp"

namespace submitit::cli {

struct top_arguments {
    std::string address;
    std::string token_file;
    bool once = false;
    bool json = false;
};

CLI::App* declare_top(CLI::App& app, top_arguments& into);

/// `top`: shows the endpoint of a running export, every second until it ends. Returns the exit status: 0 also when the export has
/// ended since, output_failure when nobody answers.
int run_top(top_arguments const& arguments, signal_watch& signals);

}  // namespace submitit::cli
