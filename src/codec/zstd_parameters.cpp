// SPDX-License-Identifier: Apache-2.0
#include "codec/zstd_parameters.hpp"

#include "base/check.hpp"

namespace submitit::codec {

ZSTD_compressionParameters zstd_parameters(int level, std::size_t bytes) noexcept {
    SUBMITIT_CHECK(level >= 1 && level <= 19);
    return ZSTD_getCParams(level, bytes, 0);
}

}  // namespace submitit::codec
