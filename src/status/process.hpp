// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "status/snapshot.hpp"

namespace submitit::status {

/// Of this process now: proc(5), getrlimit(2). What cannot be found out stays 0.
[[nodiscard]] process_figures read_process();

/// Made once a process.
[[nodiscard]] build_info const& this_build();

}  // namespace submitit::status
