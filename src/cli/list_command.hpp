// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include <CLI/CLI.hpp>

namespace submitit::cli {

struct list_arguments {
    std::string archive;
    bool names_only = false;
    bool json = false;
};

CLI::App* declare_list(CLI::App& app, list_arguments& into);

/// `list`: what an archive holds. Returns the exit status.
int run_list(list_arguments const& arguments);

}  // namespace submitit::cli
