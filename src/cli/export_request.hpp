// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "cli/export_arguments.hpp"
#include "cli/source_list.hpp"
#include "pipeline/options.hpp"

namespace submitit::cli {

/// Turns the words of the command line into the engine's options: sources, selection, format, level, sizes, ownership.
/// The output is opened separately, since it decides whether the format can be patched.
[[nodiscard]] std::optional<refusal> make_request(export_arguments const& arguments, pipeline::export_options& into);

}  // namespace submitit::cli
