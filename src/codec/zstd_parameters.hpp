// SPDX-License-Identifier: Apache-2.0
#pragma once

#ifndef ZSTD_STATIC_LINKING_ONLY
#define ZSTD_STATIC_LINKING_ONLY  // memory estimates and contexts in given memory live in this part of zstd.h
#endif
#include <zstd.h>

#include <cstddef>
#include <cstdint>

namespace submitit::codec {

/// What libzstd would choose at `level` for inputs of `bytes`, spelled out: then window and tables, and with them
/// the memory, are known beforehand.
[[nodiscard]] ZSTD_compressionParameters zstd_parameters(int level, std::size_t bytes) noexcept;

/// Calls `set(parameter, value)` for each field. False when one call answered false.
template <class Set>
bool apply(ZSTD_compressionParameters const& p, Set set) {
    auto const put = [&](ZSTD_cParameter parameter, auto value) { return set(parameter, static_cast<int>(value)); };
    return put(ZSTD_c_windowLog, p.windowLog) && put(ZSTD_c_hashLog, p.hashLog) && put(ZSTD_c_chainLog, p.chainLog) &&
           put(ZSTD_c_searchLog, p.searchLog) && put(ZSTD_c_minMatch, p.minMatch) &&
           put(ZSTD_c_targetLength, p.targetLength) && put(ZSTD_c_strategy, p.strategy);
}

}  // namespace submitit::codec
