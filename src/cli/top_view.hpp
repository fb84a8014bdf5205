// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "status/snapshot.hpp"

namespace submitit::cli {

/// What `top` shows of a snapshot, line by line, none wider than `columns`. `before` is an earlier one, for shares of time; one of
/// the same sequence gives none. Names are as the endpoint sent them, made safe for a terminal once more.
[[nodiscard]] std::vector<std::string> top_lines(status::snapshot const& now, status::snapshot const& before,
                                                 std::size_t columns);

}  // namespace submitit::cli
