// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "pipeline/report.hpp"
#include "walk/notice.hpp"

namespace submitit::cli {

/// "submitit-io: error: TEXT" on standard error, as one write so that lines never mix.
void print_error(std::string_view text);
void print_line(std::string_view text);

/// Says so with errno as it stands; returns the exit status.
int standard_output_failed();

/// One line for a notice: "warning: PATH: vanished: No such file or directory".
[[nodiscard]] std::string describe(walk::notice const& notice);

/// What the system had no more of, and what to do; other errors by their message.
[[nodiscard]] std::string describe_exhausted(error_code error);

/// One sentence for a failure: the path, the cause and the remedy where there is one.
[[nodiscard]] std::string describe(pipeline::failure_cause const& failure, pipeline::export_report const& report);

/// The exit status of an export that ran.
[[nodiscard]] int exit_status_of(pipeline::export_report const& report, int signal_number) noexcept;

}  // namespace submitit::cli
