// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace submitit::codec {

/// CRC-32 of zip and gzip (polynomial 0xEDB88320, reflected); start with 0.
[[nodiscard]] std::uint32_t crc32(std::uint32_t crc, std::span<std::byte const> bytes) noexcept;

/// The CRC of A followed by B, from the CRC of each and the length of B. O(log length).
/// Not called crc32_combine: zlib.h makes that name a macro.
[[nodiscard]] std::uint32_t combine_crc32(std::uint32_t of_a, std::uint32_t of_b, std::uint64_t length_of_b) noexcept;

}  // namespace submitit::codec
