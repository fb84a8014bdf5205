// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "status/snapshot.hpp"

namespace submitit::testing {

/// Every member differs from its default, every list has something in it, and names hold what markup and labels must escape.
[[nodiscard]] status::snapshot sample_snapshot();

}  // namespace submitit::testing
