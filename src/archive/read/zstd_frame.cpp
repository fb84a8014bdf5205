// SPDX-License-Identifier: Apache-2.0
#include "archive/read/zstd_frame.hpp"

#include <array>

#include "base/endian.hpp"

namespace submitit::archive::reader {
namespace {

std::uint64_t window_of(unsigned descriptor) noexcept {
    auto const base = std::uint64_t{1} << (10 + (descriptor >> 3U));
    return base + base / 8 * (descriptor & 7U);
}

std::uint64_t load_bytes(std::byte const* at, std::size_t count) noexcept {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < count; ++i) value |= std::to_integer<std::uint64_t>(at[i]) << (8 * i);
    return value;
}

}  // namespace

std::optional<zstd_frame_header> parse_zstd_frame_header(std::span<std::byte const> bytes) noexcept {
    if (bytes.size() < 5) return std::nullopt;
    zstd_frame_header out;
    out.magic = load_le<std::uint32_t>(bytes.data());
    if ((out.magic & zstd_skippable_mask) == zstd_skippable_magic) {
        if (bytes.size() < 8) return std::nullopt;
        out.skippable = true;
        out.skip_bytes = load_le<std::uint32_t>(bytes.data() + 4);
        return out;
    }
    if (out.magic != zstd_magic) return std::nullopt;
    auto const descriptor = std::to_integer<unsigned>(bytes[4]);
    bool const single_segment = (descriptor & 0x20U) != 0;
    out.has_checksum = (descriptor & 0x04U) != 0;
    static constexpr std::array<std::size_t, 4> dictionary_id_bytes{0, 1, 2, 4};
    static constexpr std::array<std::size_t, 4> content_size_bytes{0, 2, 4, 8};
    auto const size_bytes = descriptor >> 6U == 0 && single_segment ? 1 : content_size_bytes[descriptor >> 6U];
    std::size_t at = 5;
    auto const header_bytes = at + (single_segment ? 0U : 1U) + dictionary_id_bytes[descriptor & 3U] + size_bytes;
    if (bytes.size() < header_bytes) return std::nullopt;
    if (!single_segment) out.window_bytes = window_of(std::to_integer<unsigned>(bytes[at++]));
    at += dictionary_id_bytes[descriptor & 3U];
    if (size_bytes != 0) {
        // The two-byte form begins where the one-byte form ends.
        out.content_bytes = load_bytes(bytes.data() + at, size_bytes) + (size_bytes == 2 ? 256U : 0U);
        if (single_segment) out.window_bytes = *out.content_bytes;
    }
    return out;
}

}  // namespace submitit::archive::reader
