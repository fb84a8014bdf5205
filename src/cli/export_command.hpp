// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cli/export_arguments.hpp"
#include "cli/signals.hpp"

namespace submitit::cli {

/// `export`: checks, opens, runs, tells. Returns the exit status.
int run_export(export_arguments const& arguments, signal_watch& signals);

}  // namespace submitit::cli
