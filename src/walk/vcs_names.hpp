// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace submitit::walk {

/// True for the files and directories in which version control systems keep their own data.
/// Source: GNU tar 1.35 manual, 6.4 "Excluding Some Files", --exclude-vcs; plus .hgtags, which it means by .hgrags.
[[nodiscard]] bool is_vcs_name(std::string_view name) noexcept;

}  // namespace submitit::walk
