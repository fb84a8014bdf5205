// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <system_error>

namespace submitit::testing {

/// How many descriptors this process has open. Pipes are left out: the engine makes none, and a sanitizer's runtime talks through
/// some with its symbolizer, which it starts when it likes.
[[nodiscard]] inline std::ptrdiff_t open_descriptors() {
    std::ptrdiff_t count = 0;
    for (auto const& one : std::filesystem::directory_iterator{"/proc/self/fd"}) {
        std::error_code gone;
        auto const target = std::filesystem::read_symlink(one.path(), gone);
        if (!target.native().starts_with("pipe:")) ++count;
    }
    return count;
}

}  // namespace submitit::testing
