// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include <CLI/CLI.hpp>

#include "cli/signals.hpp"

namespace submitit::cli {

struct verify_arguments {
    std::string archive;
    std::string against;
    std::string memory;
    bool quiet = false;
    bool json = false;
};

CLI::App* declare_verify(CLI::App& app, verify_arguments& into);

/// `verify`: proves the bytes of an archive. Returns the exit status.
int run_verify(verify_arguments const& arguments, signal_watch& signals);

}  // namespace submitit::cli
