// SPDX-License-Identifier: Apache-2.0
#include "archive/zip/records.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <ctime>

#include "base/check.hpp"
#include "base/display_name.hpp"
#include "base/endian.hpp"

namespace submitit::archive::zip {
namespace {

constexpr std::uint32_t local_signature = 0x04034B50;
constexpr std::uint32_t central_signature = 0x02014B50;
constexpr std::uint32_t descriptor_signature = 0x08074B50;
constexpr std::uint32_t end_signature = 0x06054B50;
constexpr std::uint32_t end64_signature = 0x06064B50;
constexpr std::uint32_t locator64_signature = 0x07064B50;

constexpr std::size_t local_fixed_bytes = 30;
constexpr std::size_t central_fixed_bytes = 46;
constexpr std::size_t central_needed_at = 6;
constexpr std::size_t central_name_length_at = 28;
constexpr std::size_t central_extra_length_at = 30;
constexpr std::size_t central_comment_length_at = 32;
constexpr std::size_t central_offset_at = 42;

constexpr std::uint16_t zip64_id = 0x0001;       // [4.5.3]
constexpr std::uint16_t unix_time_id = 0x5455;   // Info-ZIP extrafld.txt, "UT"
constexpr std::uint16_t unix_owner_id = 0x7875;  // Info-ZIP extrafld.txt, "ux"
constexpr std::uint16_t ntfs_id = 0x000A;        // [4.5.5]
constexpr std::size_t unix_time_bytes = 4 + 5;
constexpr std::size_t unix_owner_bytes = 4 + 11;
constexpr std::size_t ntfs_bytes = 4 + 32;

constexpr std::uint16_t made_by_unix = (3U << 8U) | 63U;  // [4.4.2]

class writer {
public:
    explicit writer(std::span<std::byte> out) noexcept : out_{out} {}
    void u8(unsigned value) noexcept { put(static_cast<std::uint8_t>(value)); }
    void u16(unsigned value) noexcept { put(static_cast<std::uint16_t>(value)); }
    void u32(std::uint64_t value) noexcept { put(static_cast<std::uint32_t>(value)); }
    void u64(std::uint64_t value) noexcept { put(value); }
    void text(std::string_view value) noexcept { raw(value.data(), value.size()); }
    void raw(void const* bytes, std::size_t count) noexcept {
        SUBMITIT_CHECK(at_ + count <= out_.size());
        if (count != 0) std::memcpy(out_.data() + at_, bytes, count);
        at_ += count;
    }
    [[nodiscard]] std::size_t written() const noexcept { return at_; }

private:
    template <class Integer>
    void put(Integer value) noexcept {
        SUBMITIT_CHECK(at_ + sizeof value <= out_.size());
        store_le(out_.data() + at_, value);
        at_ += sizeof value;
    }
    std::span<std::byte> out_;
    std::size_t at_ = 0;
};

bool fits_unix_time(std::int64_t seconds) noexcept { return seconds >= INT32_MIN && seconds <= INT32_MAX; }

/// "UT" holds 32-bit seconds; a time outside them goes into the NTFS extra, which the same readers know.
std::size_t time_extra_bytes(member const& of) noexcept {
    return fits_unix_time(of.mtime.seconds) ? unix_time_bytes : ntfs_bytes;
}

void write_common_extras(member const& of, writer& out) noexcept {
    if (fits_unix_time(of.mtime.seconds)) {
        out.u16(unix_time_id);
        out.u16(5);
        out.u8(1);  // mtime only, in the local header too
        out.u32(static_cast<std::uint32_t>(static_cast<std::int32_t>(of.mtime.seconds)));
    } else {
        constexpr std::int64_t epoch_1601 = 11'644'473'600;
        constexpr std::int64_t seconds_max = INT64_MAX / 10'000'000 - epoch_1601;  // the year 30828
        auto const filetime =
            static_cast<std::uint64_t>(std::clamp(of.mtime.seconds, -epoch_1601, seconds_max) + epoch_1601) *
            10'000'000U;
        out.u16(ntfs_id);
        out.u16(32);
        out.u32(0);
        out.u16(1);
        out.u16(24);
        for (int time = 0; time < 3; ++time) out.u64(filetime);
    }
    out.u16(unix_owner_id);
    out.u16(11);
    out.u8(1);
    out.u8(4);
    out.u32(of.uid);
    out.u8(4);
    out.u32(of.gid);
}

std::uint16_t version_needed(member const& of, bool zip64) noexcept {
    if (zip64) return 45;
    bool const directory = S_ISDIR(of.mode);
    return of.method == method_deflate || directory || (of.flags & flag_descriptor) != 0 ? 20 : 10;
}

struct central_zip64 {
    bool content;
    bool packed;
    bool offset;
    [[nodiscard]] std::size_t bytes() const noexcept {
        auto const fields =
            static_cast<std::size_t>(content) + static_cast<std::size_t>(packed) + static_cast<std::size_t>(offset);
        return fields == 0 ? 0 : 4 + 8 * fields;
    }
};

central_zip64 central_needs(member const& of, std::uint64_t header_offset) noexcept {
    return {of.content_bytes >= limit_32, of.packed_bytes >= limit_32, header_offset >= limit_32};
}

}  // namespace

void dos_clock::stamp(member& of) {
    // [4.4.6]; clamped to 1980-01-01 .. 2107-12-31 as the fields hold no other year.
    constexpr std::int64_t far = 1LL << 40U;  // 34,000 years: beyond the clamp, within what localtime takes
    auto const seconds = std::clamp(of.mtime.seconds, -far, far);
    auto minute = seconds / 60;
    auto second = seconds % 60;
    if (second < 0) {
        second += 60;
        minute -= 1;
    }
    if (minute != minute_) {
        minute_ = minute;
        auto const when = static_cast<std::time_t>(minute * 60);
        std::tm parts{};
        bool const known = (utc_ ? ::gmtime_r(&when, &parts) : ::localtime_r(&when, &parts)) != nullptr;
        if (!known || parts.tm_year < 80) parts = {.tm_mday = 1, .tm_mon = 0, .tm_year = 80};
        if (parts.tm_year > 207) parts = {.tm_min = 59, .tm_hour = 23, .tm_mday = 31, .tm_mon = 11, .tm_year = 207};
        date_ = static_cast<std::uint16_t>((parts.tm_year - 80) << 9 | (parts.tm_mon + 1) << 5 | parts.tm_mday);
        hour_minute_ = static_cast<std::uint16_t>(parts.tm_hour << 11 | parts.tm_min << 5);
    }
    of.dos_date = date_;
    of.dos_time = static_cast<std::uint16_t>(hour_minute_ | (second / 2));
}

member describe(walk::entry const& entry, attribute_options const& options, dos_clock& clock) {
    auto const shown = present(entry, options);
    member of;
    of.name = entry.name;
    of.mode = shown.mode & ~06000U;
    of.uid = shown.uid;
    of.gid = shown.gid;
    of.mtime = shown.mtime;
    bool const ascii =
        std::all_of(of.name.begin(), of.name.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
    if (!ascii && is_utf8(of.name)) of.flags |= flag_utf8;
    clock.stamp(of);
    return of;
}

std::size_t local_header_bytes(member const& of) noexcept {
    return local_fixed_bytes + of.name.size() + (of.zip64_local ? 20U : 0U) + time_extra_bytes(of) + unix_owner_bytes;
}

std::size_t write_local_header(member const& of, std::span<std::byte> into) noexcept {
    bool const streamed = (of.flags & flag_descriptor) != 0;
    writer out{into};
    out.u32(local_signature);
    out.u16(version_needed(of, of.zip64_local));
    out.u16(of.flags);
    out.u16(of.method);
    out.u16(of.dos_time);
    out.u16(of.dos_date);
    out.u32(streamed ? 0 : of.crc);
    auto const size_32 = [&](std::uint64_t bytes) { return of.zip64_local ? limit_32 : streamed ? 0 : bytes; };
    out.u32(size_32(of.packed_bytes));
    out.u32(size_32(of.content_bytes));
    out.u16(static_cast<unsigned>(of.name.size()));
    out.u16(static_cast<unsigned>((of.zip64_local ? 20U : 0U) + time_extra_bytes(of) + unix_owner_bytes));
    out.text(of.name);
    if (of.zip64_local) {  // both sizes, uncompressed first
        out.u16(zip64_id);
        out.u16(16);
        out.u64(streamed ? 0 : of.content_bytes);
        out.u64(streamed ? 0 : of.packed_bytes);
    }
    write_common_extras(of, out);
    return out.written();
}

std::size_t central_record_bytes(member const& of, std::uint64_t header_offset) noexcept {
    return central_fixed_bytes + of.name.size() + central_needs(of, header_offset).bytes() + time_extra_bytes(of) +
           unix_owner_bytes;
}

std::size_t write_central_record(member const& of, std::uint64_t header_offset, std::span<std::byte> into) noexcept {
    auto const needs = central_needs(of, header_offset);
    writer out{into};
    out.u32(central_signature);
    out.u16(made_by_unix);
    out.u16(version_needed(of, of.zip64_local || needs.bytes() != 0));
    out.u16(of.flags);
    out.u16(of.method);
    out.u16(of.dos_time);
    out.u16(of.dos_date);
    out.u32(of.crc);
    out.u32(needs.packed ? limit_32 : of.packed_bytes);
    out.u32(needs.content ? limit_32 : of.content_bytes);
    out.u16(static_cast<unsigned>(of.name.size()));
    out.u16(static_cast<unsigned>(needs.bytes() + time_extra_bytes(of) + unix_owner_bytes));
    out.u16(0);  // comment
    out.u16(0);  // disk
    out.u16(0);  // internal attributes
    out.u32((static_cast<std::uint64_t>(of.mode & 0xFFFFU) << 16U) | (S_ISDIR(of.mode) ? 0x10U : 0U));
    out.u32(needs.offset ? limit_32 : header_offset);
    out.text(of.name);
    if (needs.bytes() != 0) {  // only the fields whose 32-bit slot is full, in this order
        out.u16(zip64_id);
        out.u16(static_cast<unsigned>(needs.bytes() - 4));
        if (needs.content) out.u64(of.content_bytes);
        if (needs.packed) out.u64(of.packed_bytes);
        if (needs.offset) out.u64(header_offset);
    }
    write_common_extras(of, out);
    return out.written();
}

std::size_t write_descriptor(member const& of, std::span<std::byte> into) noexcept {
    writer out{into};
    out.u32(descriptor_signature);
    out.u32(of.crc);
    if (of.zip64_local) {
        out.u64(of.packed_bytes);
        out.u64(of.content_bytes);
    } else {
        out.u32(of.packed_bytes);
        out.u32(of.content_bytes);
    }
    return out.written();
}

std::size_t write_end(end_of_directory const& end, std::span<std::byte> into) noexcept {
    writer out{into};
    bool const zip64 = end.entries >= limit_16 || end.directory_bytes >= limit_32 || end.directory_offset >= limit_32;
    if (zip64) {
        out.u32(end64_signature);
        out.u64(44);
        out.u16(made_by_unix);
        out.u16(45);
        out.u32(0);
        out.u32(0);
        out.u64(end.entries);
        out.u64(end.entries);
        out.u64(end.directory_bytes);
        out.u64(end.directory_offset);
        out.u32(locator64_signature);
        out.u32(0);
        out.u64(end.directory_offset + end.directory_bytes);
        out.u32(1);
    }
    auto const entries_16 = static_cast<unsigned>(std::min<std::uint64_t>(end.entries, limit_16));
    out.u32(end_signature);
    out.u16(0);
    out.u16(0);
    out.u16(entries_16);
    out.u16(entries_16);
    out.u32(std::min<std::uint64_t>(end.directory_bytes, limit_32));
    out.u32(std::min<std::uint64_t>(end.directory_offset, limit_32));
    out.u16(0);
    return out.written();
}

std::size_t central_record_length(std::span<std::byte const> records) noexcept {
    auto const length_at = [&](std::size_t at) { return std::size_t{load_le<std::uint16_t>(records.data() + at)}; };
    return central_fixed_bytes + length_at(central_name_length_at) + length_at(central_extra_length_at) +
           length_at(central_comment_length_at);
}

std::size_t relocate_central_record(std::span<std::byte const> record, std::uint64_t base,
                                    std::span<std::byte> into) noexcept {
    auto const offset = base + load_le<std::uint32_t>(record.data() + central_offset_at);
    writer out{into};
    if (offset < limit_32) {
        out.raw(record.data(), record.size());
        store_le(into.data() + central_offset_at, static_cast<std::uint32_t>(offset));
        return out.written();
    }
    auto const name_bytes = load_le<std::uint16_t>(record.data() + central_name_length_at);
    auto const extra_bytes = load_le<std::uint16_t>(record.data() + central_extra_length_at);
    auto const head = central_fixed_bytes + name_bytes;
    out.raw(record.data(), head);
    out.u16(zip64_id);
    out.u16(8);
    out.u64(offset);
    out.raw(record.data() + head, record.size() - head);
    store_le(into.data() + central_needed_at, std::uint16_t{45});
    store_le(into.data() + central_extra_length_at, static_cast<std::uint16_t>(extra_bytes + relocation_growth_max));
    store_le(into.data() + central_offset_at, limit_32);
    return out.written();
}

}  // namespace submitit::archive::zip
