// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

namespace submitit::http {

enum class metrics_format : std::uint8_t { prometheus, openmetrics };

/// What an Accept field prefers: OpenMetrics where it is named with at least the quality of plain text, else the older text.
[[nodiscard]] metrics_format preferred_format(std::string_view accept);

/// Equal in as many steps as they are long, whatever they hold.
[[nodiscard]] bool equal_in_constant_time(std::string_view left, std::string_view right) noexcept;

/// Without regard to case, as names of hosts, schemes and media types are.
[[nodiscard]] bool equal_ignoring_case(std::string_view left, std::string_view right) noexcept;

}  // namespace submitit::http
