// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cli/signals.hpp"

namespace submitit::cli {

/// Parses the command line and runs the subcommand. Returns the exit status.
int run(int argc, char** argv, signal_watch& signals);

}  // namespace submitit::cli
