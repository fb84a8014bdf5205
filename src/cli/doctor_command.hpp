// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>

namespace submitit::cli {

struct doctor_arguments {
    bool json = false;
};

CLI::App* declare_doctor(CLI::App& app, doctor_arguments& into);

/// `doctor`: what this machine offers, what the engine would choose, and why. Returns the exit status.
int run_doctor(doctor_arguments const& arguments);

}  // namespace submitit::cli
