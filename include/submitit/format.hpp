// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace submitit {

/// The containers the engine writes.
enum class format : std::uint8_t { zip, tar, tar_gz, tar_zst };

}  // namespace submitit
