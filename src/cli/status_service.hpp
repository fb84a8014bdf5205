// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "cli/export_arguments.hpp"
#include "cli/refusal.hpp"
#include "http/own_thread.hpp"

namespace submitit::cli {

/// What --status and its companions say that cannot be; before anything is opened.
[[nodiscard]] std::optional<refusal> check_status(export_arguments const& arguments);

/// Opens the endpoint that --status names, if it names one, into `into`; says on standard error where it is. An endpoint that dies
/// later says so there too.
[[nodiscard]] std::optional<refusal> open_status(export_arguments const& arguments, http::controls actions,
                                                 std::function<status::snapshot()> source,
                                                 std::unique_ptr<http::own_thread>& into);

}  // namespace submitit::cli
