// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace submitit::cli {

/// The program's exit statuses; 128 + n after signal n. Part of the command-line contract.
enum exit_status : int {
    ok = 0,
    warnings = 1,
    usage = 2,
    source_failure = 3,
    output_failure = 4,
    verification_failed = 5,
    budget_too_small = 6,
    internal_error = 70,
};

}  // namespace submitit::cli
