// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>

namespace submitit::codec {

/// What `bytes` take as stored blocks (RFC 1951 3.2.4) that start on a byte border: 5 bytes for each 65535, at least 5.
[[nodiscard]] constexpr std::size_t stored_size(std::size_t bytes) noexcept {
    std::size_t const blocks = bytes == 0 ? 1 : bytes / 65535 + (bytes % 65535 != 0 ? 1 : 0);
    return bytes + 5 * blocks;
}

/// Writes `in` as stored blocks, the last one final when `final`. Returns stored_size(in.size()), or 0 when `out` is
/// smaller than that.
[[nodiscard]] std::size_t write_stored(std::span<std::byte const> in, std::span<std::byte> out, bool final) noexcept;

}  // namespace submitit::codec
