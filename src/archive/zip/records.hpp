// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "archive/attributes.hpp"
#include "walk/entry.hpp"

namespace submitit::archive::zip {

// PKWARE APPNOTE 6.3.x, sections in brackets.
inline constexpr std::uint16_t method_store = 0;  // [4.4.5]
inline constexpr std::uint16_t method_deflate = 8;
inline constexpr std::uint32_t limit_32 = 0xFFFFFFFF;
inline constexpr std::uint16_t limit_16 = 0xFFFF;

/// One entry as its records describe it; local header and central record are made from the same value.
struct member {
    std::string_view name;
    std::uint16_t method = method_store;
    std::uint16_t flags = 0;
    std::uint32_t mode = 0;  ///< st_mode with its type bits
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    timestamp mtime;
    std::uint16_t dos_time = 0;
    std::uint16_t dos_date = 0;
    std::uint32_t crc = 0;
    std::uint64_t packed_bytes = 0;
    std::uint64_t content_bytes = 0;
    bool zip64_local = false;  ///< the local header carries 64-bit sizes
};

inline constexpr std::uint16_t flag_descriptor = 1U << 3U;  // [4.4.4]
inline constexpr std::uint16_t flag_utf8 = 1U << 11U;

/// Turns times into DOS date and time, in UTC or local time, remembering the last minute. One thread.
class dos_clock {
public:
    explicit dos_clock(bool utc) : utc_{utc} {}
    void stamp(member& of);

private:
    bool utc_;
    std::int64_t minute_ = INT64_MIN;
    std::uint16_t date_ = 0;
    std::uint16_t hour_minute_ = 0;
};

/// Name, mode, ownership and times of `entry`; setuid, setgid are masked (06000). The name must outlive the member.
[[nodiscard]] member describe(walk::entry const& entry, attribute_options const& options, dos_clock& clock);

[[nodiscard]] std::size_t local_header_bytes(member const& of) noexcept;
/// [4.3.7]; returns the bytes written.
std::size_t write_local_header(member const& of, std::span<std::byte> out) noexcept;

[[nodiscard]] std::size_t central_record_bytes(member const& of, std::uint64_t header_offset) noexcept;
/// [4.3.12], with a Zip64 extra [4.5.3] holding exactly the fields that need it.
std::size_t write_central_record(member const& of, std::uint64_t header_offset, std::span<std::byte> out) noexcept;

/// [4.3.9]: always with its signature; 64-bit sizes exactly when the local header has a Zip64 extra.
std::size_t write_descriptor(member const& of, std::span<std::byte> out) noexcept;
inline constexpr std::size_t descriptor_bytes_max = 24;

struct end_of_directory {
    std::uint64_t entries = 0;
    std::uint64_t directory_bytes = 0;
    std::uint64_t directory_offset = 0;
};
/// [4.3.14-16]: Zip64 end record and locator only when a value needs them. At most 98 bytes.
std::size_t write_end(end_of_directory const& end, std::span<std::byte> out) noexcept;
inline constexpr std::size_t end_bytes_max = 56 + 20 + 22;

/// Length of the central record at the start of `records`.
[[nodiscard]] std::size_t central_record_length(std::span<std::byte const> records) noexcept;

/// Copies one central record to `out` with `base` added to its header offset, which must be below 4 GiB before; where it is
/// not after, a Zip64 extra takes it (the record grows by at most relocation_growth_max). Returns the bytes written.
std::size_t relocate_central_record(std::span<std::byte const> record, std::uint64_t base,
                                    std::span<std::byte> out) noexcept;
inline constexpr std::size_t relocation_growth_max = 12;

}  // namespace submitit::archive::zip
