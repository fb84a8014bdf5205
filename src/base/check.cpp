// SPDX-License-Identifier: Apache-2.0
#include "base/check.hpp"

#include <cstdio>
#include <cstdlib>

namespace submitit {

void check_failed(char const* claim, char const* file, int line) noexcept {
    std::fprintf(stderr, "submitit-io: internal error: '%s' does not hold (%s:%d). Nothing was published.\n", claim,
                 file, line);
    std::_Exit(70);
}

}  // namespace submitit
