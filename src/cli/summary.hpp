// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "archive/traits.hpp"
#include "pipeline/report.hpp"
#include "status/snapshot.hpp"

namespace submitit::cli {

/// For people: one line, with `verbose` a few more.
[[nodiscard]] std::string summary_text(pipeline::export_report const& report, status::verdict const& limit,
                                       archive::format_options const& format, bool verbose);

/// The same for programs: one JSON object. Names that are not UTF-8 appear escaped and as base64 beside it.
[[nodiscard]] std::string summary_json(pipeline::export_report const& report, status::verdict const& limit,
                                       archive::format_options const& format, int exit_status);

/// Peak resident memory of this process so far, bytes.
[[nodiscard]] std::uint64_t peak_memory_bytes() noexcept;

}  // namespace submitit::cli
