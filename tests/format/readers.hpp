// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "support/process.hpp"
#include "support/tree_snapshot.hpp"

/// The archive programs that people have, as readers of what this one writes.
namespace submitit::testing {

/// What a reader makes of the suffix of an archive.
[[nodiscard]] bool is_zip(std::string_view archive);

/// Has every foreign reader there is read every byte of the archive. Each must end with exit status 0; the test fails with the
/// names of those that did not. `but_not`: tools known to fail here for a reason of their own, which the caller states.
void check_readers(std::string const& archive, std::vector<std::string> const& but_not = {});

/// Runs `exporting`, whose standard output is an archive of that suffix, into each reader that can read from a pipe.
void check_piped(command const& exporting, std::string const& suffix);

/// Unpacks the archive with each foreign program there is and compares with the source's snapshot, leaving out what the
/// format or that program cannot keep. The archive's top must be one directory `root`.
void check_extracted(std::string const& archive, std::string const& root, tree_snapshot const& source,
                     compare_rules rules = {}, std::vector<std::string> const& but_not = {});

/// A command line of python_reader.py.
[[nodiscard]] command python(std::vector<std::string> arguments);

}  // namespace submitit::testing
