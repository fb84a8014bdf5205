// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace submitit::archive::reader {

inline constexpr std::uint32_t zstd_magic = 0xFD2FB528U;
inline constexpr std::uint32_t zstd_skippable_magic = 0x184D2A50U;  // the low four bits are free
inline constexpr std::uint32_t zstd_skippable_mask = 0xFFFFFFF0U;
inline constexpr std::uint32_t zstd_seek_table_magic = 0x184D2A5EU;
inline constexpr std::size_t zstd_frame_header_bytes_max = 18;

/// The header of one zstd frame. Source: RFC 8878 3.1.1.1 and 3.1.2.
struct zstd_frame_header {
    bool skippable = false;
    std::uint64_t skip_bytes = 0;  ///< skippable: of the payload behind the 8 bytes of header
    std::uint32_t magic = 0;
    std::uint64_t window_bytes = 0;
    std::optional<std::uint64_t> content_bytes;
    bool has_checksum = false;
};

/// Nothing when `bytes` are too few (18 always suffice) or begin with no frame's magic.
[[nodiscard]] std::optional<zstd_frame_header> parse_zstd_frame_header(std::span<std::byte const> bytes) noexcept;

}  // namespace submitit::archive::reader
