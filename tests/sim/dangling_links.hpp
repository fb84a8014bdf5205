// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace submitit::sim {

/// Hard links of an archive whose first name does not stand before them, one a line, as libarchive reads it.
[[nodiscard]] std::string dangling_links(std::string_view bytes);

}  // namespace submitit::sim
