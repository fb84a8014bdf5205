// SPDX-License-Identifier: Apache-2.0
#include "archive/read/gzip_header.hpp"

#include <libdeflate.h>

#include <algorithm>

#include "base/endian.hpp"

namespace submitit::archive::reader {
namespace {

constexpr std::size_t fixed_bytes = 10;
constexpr unsigned flag_crc = 2, flag_extra = 4, flag_name = 8, flag_comment = 16, flags_reserved = 0xE0;

gzip_header malformed(std::string_view why) noexcept {
    gzip_header out;
    out.read = gzip_header::state::malformed;
    out.why = why;
    return out;
}

std::optional<std::uint64_t> bgzf_size(std::span<std::byte const> extra) noexcept {
    while (extra.size() >= 4) {
        std::size_t const length = load_le<std::uint16_t>(extra.data() + 2);
        if (length > extra.size() - 4) return std::nullopt;
        if (extra[0] == std::byte{'B'} && extra[1] == std::byte{'C'} && length == 2)
            return std::uint64_t{load_le<std::uint16_t>(extra.data() + 4)} + 1;
        extra = extra.subspan(4 + length);
    }
    return std::nullopt;
}

/// Bytes of a NUL-terminated field; 0 when its end is not there yet.
std::size_t text_bytes(std::span<std::byte const> from) noexcept {
    auto const end = std::ranges::find(from, std::byte{0});
    return end == from.end() ? 0 : static_cast<std::size_t>(end - from.begin()) + 1;
}

}  // namespace

gzip_header parse_gzip_header(std::span<std::byte const> bytes) noexcept {
    gzip_header out;
    if (bytes.size() < fixed_bytes) return out;
    if (bytes[0] != std::byte{0x1F} || bytes[1] != std::byte{0x8B}) return malformed("no gzip member begins there");
    if (bytes[2] != std::byte{8}) return malformed("its method is not deflate");
    auto const flags = std::to_integer<unsigned>(bytes[3]);
    if (flags & flags_reserved) return malformed("reserved flags are set");
    auto at = fixed_bytes;
    if (flags & flag_extra) {
        if (bytes.size() < at + 2) return out;
        std::size_t const length = load_le<std::uint16_t>(bytes.data() + at);
        if (bytes.size() < at + 2 + length) return out;
        out.bgzf_member_bytes = bgzf_size(bytes.subspan(at + 2, length));
        at += 2 + length;
    }
    for (auto const flag : {flag_name, flag_comment}) {
        if (!(flags & flag)) continue;
        auto const length = text_bytes(bytes.subspan(at));
        if (length == 0) return out;
        at += length;
    }
    if (flags & flag_crc) {
        if (bytes.size() < at + 2) return out;
        auto const crc = ::libdeflate_crc32(0, bytes.data(), at) & 0xFFFFU;
        if (crc != load_le<std::uint16_t>(bytes.data() + at)) return malformed("its header CRC does not match");
        at += 2;
    }
    out.read = gzip_header::state::complete;
    out.bytes = at;
    return out;
}

}  // namespace submitit::archive::reader
