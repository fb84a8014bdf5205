// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace submitit::archive::reader {

/// Zip records as they stand in the file. Source: PKWARE APPNOTE 6.3, 4.3 and 4.4; Info-ZIP extrafld.txt.
inline constexpr std::uint32_t zip_local_magic = 0x04034B50U;
inline constexpr std::uint32_t zip_central_magic = 0x02014B50U;
inline constexpr std::uint32_t zip_descriptor_magic = 0x08074B50U;
inline constexpr std::uint32_t zip_end_magic = 0x06054B50U;
inline constexpr std::uint32_t zip64_end_magic = 0x06064B50U;
inline constexpr std::uint32_t zip64_locator_magic = 0x07064B50U;
inline constexpr std::size_t zip_local_bytes = 30;
inline constexpr std::size_t zip_central_bytes = 46;
inline constexpr std::size_t zip_end_bytes = 22;
inline constexpr std::size_t zip64_end_bytes = 56;
inline constexpr std::size_t zip64_locator_bytes = 20;
inline constexpr unsigned zip_flag_encrypted = 0x0001, zip_flag_descriptor = 0x0008;

/// The fields that the local and the central header share, 32-bit sizes already widened by the Zip64 extra.
struct zip_header {
    unsigned version_needed = 0;
    unsigned flags = 0;
    unsigned method = 0;
    std::uint32_t dos_time = 0;  ///< date << 16 | time
    std::uint32_t crc = 0;
    std::uint64_t compressed_bytes = 0;
    std::uint64_t content_bytes = 0;
    std::string_view name;
    bool has_zip64 = false;  ///< a Zip64 extra is there
    bool extra_malformed = false;
    bool zip64_missing = false;               ///< a field says "see Zip64" and the extra does not have it
    std::optional<std::uint32_t> unix_mtime;  ///< UT
    std::span<std::byte const> unix_owner;    ///< ux payload; empty: none

    [[nodiscard]] bool has_descriptor() const noexcept { return (flags & zip_flag_descriptor) != 0; }
};

struct zip_local : zip_header {
    std::size_t bytes = 0;  ///< of the whole header
};

struct zip_central : zip_header {
    std::size_t bytes = 0;
    unsigned host = 0;  ///< of "version made by"; 3 is Unix
    std::uint32_t external_attributes = 0;
    std::uint64_t local_offset = 0;
    unsigned disk = 0;
};

/// Bytes of the whole record, from its fixed part; the caller has checked that the fixed part is there.
[[nodiscard]] std::size_t zip_local_total(std::byte const* fixed) noexcept;
[[nodiscard]] std::size_t zip_central_total(std::byte const* fixed) noexcept;

/// `record` is exactly the whole record. The results point into it.
[[nodiscard]] zip_local parse_zip_local(std::span<std::byte const> record) noexcept;
[[nodiscard]] zip_central parse_zip_central(std::span<std::byte const> record) noexcept;

/// One form a data descriptor can have; writers differ.
struct zip_descriptor {
    std::size_t bytes = 0;
    std::uint32_t crc = 0;
    std::uint64_t compressed_bytes = 0;
    std::uint64_t content_bytes = 0;
};
/// Reads it as having the signature or not and 64-bit sizes or not. Nothing when `bytes` are too few or the signature is
/// asked for and not there.
[[nodiscard]] std::optional<zip_descriptor> parse_zip_descriptor(std::span<std::byte const> bytes, bool with_signature,
                                                                 bool wide) noexcept;

}  // namespace submitit::archive::reader
