// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "plan/checksums.hpp"
#include "submitit/checksum_cache.hpp"

namespace submitit {

struct checksum_cache::state : plan::checksums {
    using plan::checksums::checksums;
};

}  // namespace submitit
