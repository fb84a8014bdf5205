// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Assertions that stay on in release builds: for invariants that protect the user's data or the memory
/// bound. A failing one prints the claim and ends the process with exit status 70; output is published by
/// naming an unnamed file as the last step, so nothing is published then. Never for data from disk, kernel
/// or network.
namespace submitit {

[[noreturn]] void check_failed(char const* claim, char const* file, int line) noexcept;

}  // namespace submitit

#define SUBMITIT_CHECK(claim) \
    (static_cast<bool>(claim) ? static_cast<void>(0) : ::submitit::check_failed(#claim, __FILE__, __LINE__))
