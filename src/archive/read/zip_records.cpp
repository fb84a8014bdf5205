// SPDX-License-Identifier: Apache-2.0
#include "archive/read/zip_records.hpp"

#include <algorithm>

#include "base/endian.hpp"

namespace submitit::archive::reader {
namespace {

constexpr std::uint32_t sentinel_32 = 0xFFFFFFFFU;
constexpr unsigned extra_zip64 = 0x0001, extra_unix_time = 0x5455, extra_unix_owner = 0x7875;

std::uint16_t u16(std::byte const* at) noexcept { return load_le<std::uint16_t>(at); }
std::uint32_t u32(std::byte const* at) noexcept { return load_le<std::uint32_t>(at); }

std::string_view text(std::span<std::byte const> bytes) noexcept {
    return {reinterpret_cast<char const*>(bytes.data()), bytes.size()};
}

/// The fields from "version needed" to the sizes lie in the same order in both headers.
void take_common(zip_header& out, std::byte const* at) noexcept {
    out.version_needed = u16(at);
    out.flags = u16(at + 2);
    out.method = u16(at + 4);
    out.dos_time = u32(at + 6);
    out.crc = u32(at + 10);
    out.compressed_bytes = u32(at + 14);
    out.content_bytes = u32(at + 18);
}

/// Walks the extra records; keeps those that matter and gives the Zip64 payload.
std::span<std::byte const> take_extras(zip_header& out, std::span<std::byte const> extra) noexcept {
    std::span<std::byte const> zip64;
    while (extra.size() >= 4) {
        auto const id = u16(extra.data());
        std::size_t const length = u16(extra.data() + 2);
        if (length > extra.size() - 4) break;
        auto const payload = extra.subspan(4, length);
        if (id == extra_zip64 && !out.has_zip64) {
            out.has_zip64 = true;
            zip64 = payload;
        }
        if (id == extra_unix_time && length >= 5 && (std::to_integer<unsigned>(payload[0]) & 1U))
            out.unix_mtime = u32(payload.data() + 1);
        if (id == extra_unix_owner) out.unix_owner = payload;
        extra = extra.subspan(4 + length);
    }
    // Some tools align data with zero bytes at the end of the extra field.
    out.extra_malformed = std::ranges::any_of(extra, [](std::byte b) { return b != std::byte{0}; });
    return zip64;
}

/// Replaces `value` by the next eight bytes of `zip64` when it says so. False: they are missing.
bool widen(std::uint64_t& value, std::span<std::byte const>& zip64) noexcept {
    if (value != sentinel_32) return true;
    if (zip64.size() < 8) return false;
    value = load_le<std::uint64_t>(zip64.data());
    zip64 = zip64.subspan(8);
    return true;
}

}  // namespace

std::size_t zip_local_total(std::byte const* fixed) noexcept {
    return zip_local_bytes + u16(fixed + 26) + u16(fixed + 28);
}

std::size_t zip_central_total(std::byte const* fixed) noexcept {
    return zip_central_bytes + u16(fixed + 28) + u16(fixed + 30) + u16(fixed + 32);
}

zip_local parse_zip_local(std::span<std::byte const> record) noexcept {
    zip_local out;
    auto const* const at = record.data();
    take_common(out, at + 4);
    std::size_t const name = u16(at + 26);
    out.bytes = record.size();
    out.name = text(record.subspan(zip_local_bytes, name));
    auto const zip64 = take_extras(out, record.subspan(zip_local_bytes + name, u16(at + 28)));
    // APPNOTE 4.5.3: in a local header both sizes must be there, uncompressed first.
    bool const wants_zip64 = out.content_bytes == sentinel_32 || out.compressed_bytes == sentinel_32;
    out.zip64_missing = wants_zip64 && zip64.size() < 16;
    if (wants_zip64 && !out.zip64_missing) {
        if (out.content_bytes == sentinel_32) out.content_bytes = load_le<std::uint64_t>(zip64.data());
        if (out.compressed_bytes == sentinel_32) out.compressed_bytes = load_le<std::uint64_t>(zip64.data() + 8);
    }
    return out;
}

zip_central parse_zip_central(std::span<std::byte const> record) noexcept {
    zip_central out;
    auto const* const at = record.data();
    out.host = u16(at + 4) >> 8U;
    take_common(out, at + 6);
    std::size_t const name = u16(at + 28);
    out.bytes = record.size();
    out.disk = u16(at + 34);
    out.external_attributes = u32(at + 38);
    out.local_offset = u32(at + 42);
    out.name = text(record.subspan(zip_central_bytes, name));
    auto zip64 = take_extras(out, record.subspan(zip_central_bytes + name, u16(at + 30)));
    out.zip64_missing =
        !widen(out.content_bytes, zip64) || !widen(out.compressed_bytes, zip64) || !widen(out.local_offset, zip64);
    if (out.disk == 0xFFFFU && zip64.size() >= 4) out.disk = u32(zip64.data());
    return out;
}

std::optional<zip_descriptor> parse_zip_descriptor(std::span<std::byte const> bytes, bool with_signature,
                                                   bool wide) noexcept {
    zip_descriptor out;
    std::size_t const skip = with_signature ? 4 : 0;
    out.bytes = skip + (wide ? 20U : 12U);
    if (bytes.size() < out.bytes) return std::nullopt;
    if (with_signature && u32(bytes.data()) != zip_descriptor_magic) return std::nullopt;
    auto const* const at = bytes.data() + skip;
    out.crc = u32(at);
    out.compressed_bytes = wide ? load_le<std::uint64_t>(at + 4) : u32(at + 4);
    out.content_bytes = wide ? load_le<std::uint64_t>(at + 12) : u32(at + 8);
    return out;
}

}  // namespace submitit::archive::reader
