// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "http/negotiation.hpp"
#include "status/snapshot.hpp"

namespace submitit::http {

/// `/metrics`. Exports carry the label `export`, their number, since `job` is the scraper's own; what they are called is in
/// submitit_export_info only, so that series stay few.
[[nodiscard]] std::string metrics_text(status::snapshot const& now, metrics_format format);

/// Content-Type of the format.
[[nodiscard]] char const* media_type(metrics_format format) noexcept;

}  // namespace submitit::http
