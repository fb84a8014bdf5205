// SPDX-License-Identifier: Apache-2.0
#include "archive/tar/header.hpp"

#include <sys/sysmacros.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <string>

#include "base/check.hpp"
#include "base/display_name.hpp"

namespace submitit::archive::tar {
namespace {

// POSIX.1-2017, pax, "ustar Interchange Format": offset and length of each field.
struct field {
    std::size_t at;
    std::size_t bytes;
};
constexpr field name_field{0, 100};
constexpr field mode_field{100, 8};
constexpr field uid_field{108, 8};
constexpr field gid_field{116, 8};
constexpr field size_field{124, 12};
constexpr field mtime_field{136, 12};
constexpr field checksum_field{148, 8};
constexpr std::size_t type_at = 156;
constexpr field link_field{157, 100};
constexpr std::size_t magic_at = 257;
constexpr field owner_field{265, 32};
constexpr field group_field{297, 32};
constexpr field major_field{329, 8};
constexpr field minor_field{337, 8};
constexpr field prefix_field{345, 155};

constexpr std::uint64_t octal_max(std::size_t digits) noexcept { return (1ULL << (3 * digits)) - 1; }
constexpr std::uint64_t id_max = octal_max(7);
constexpr std::uint64_t size_max = octal_max(11);

char type_of(walk::entry_kind kind) noexcept {
    switch (kind) {
        case walk::entry_kind::file: return '0';
        case walk::entry_kind::hard_link: return '1';
        case walk::entry_kind::symlink: return '2';
        case walk::entry_kind::char_device: return '3';
        case walk::entry_kind::block_device: return '4';
        case walk::entry_kind::directory: return '5';
        case walk::entry_kind::fifo: return '6';
    }
    return '0';
}

bool is_ascii(std::string_view text) noexcept {
    return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

bool needs_utf8_record(std::string_view text) noexcept { return !is_ascii(text) && is_utf8(text); }

class block {
public:
    explicit block(std::byte* at) noexcept : at_{reinterpret_cast<char*>(at)} { std::memset(at_, 0, block_bytes); }

    void text(field where, std::string_view value) noexcept {
        std::copy_n(value.begin(), std::min(value.size(), where.bytes), at_ + where.at);
    }
    /// Zero-padded octal and a NUL; a value that does not fit stands as 0 (the pax record rules then).
    void octal(field where, std::uint64_t value) noexcept {
        auto const digits = where.bytes - 1;
        if (value > octal_max(digits)) value = 0;
        for (auto i = digits; i-- > 0; value >>= 3U) at_[where.at + i] = static_cast<char>('0' + (value & 7U));
    }
    void type(char value) noexcept { at_[type_at] = value; }
    /// Magic, version, and last the checksum: the sum of all bytes, its own field counted as spaces.
    void close() noexcept {
        std::memcpy(at_ + magic_at,
                    "ustar\0"
                    "00",
                    8);
        std::memset(at_ + checksum_field.at, ' ', checksum_field.bytes);
        std::uint32_t sum = 0;
        for (std::size_t i = 0; i < block_bytes; ++i) sum += static_cast<unsigned char>(at_[i]);
        for (std::size_t i = 6; i-- > 0; sum >>= 3U) at_[checksum_field.at + i] = static_cast<char>('0' + (sum & 7U));
        at_[checksum_field.at + 6] = '\0';
    }

private:
    char* at_;
};

/// Where ustar splits a long name: at a '/', at most 155 bytes before it and 1..100 after. npos: it cannot.
std::size_t split_at(std::string_view name) noexcept {
    if (name.size() <= name_field.bytes) return 0;
    if (name.size() > prefix_field.bytes + 1 + name_field.bytes) return std::string_view::npos;
    auto const first = name.size() - name_field.bytes - 1;
    auto const slash = name.find('/', first);
    if (slash == std::string_view::npos || slash == 0 || slash > prefix_field.bytes || slash + 1 == name.size())
        return std::string_view::npos;
    return slash;
}

/// Records of a pax extended header: "LEN key=value\n", LEN counting itself.
class pax_records {
public:
    void add(std::string_view key, std::string_view value) {
        auto const rest = 1 + key.size() + 1 + value.size() + 1;
        auto length = rest + 1;
        while (digits(length) + rest != length) length = digits(length) + rest;
        append_number(length);
        text_ += ' ';
        text_ += key;
        text_ += '=';
        text_ += value;
        text_ += '\n';
    }
    void add_number(std::string_view key, std::uint64_t value) {
        std::array<char, 24> buffer;
        auto const [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
        static_cast<void>(error);
        add(key, {buffer.data(), static_cast<std::size_t>(end - buffer.data())});
    }
    void add_time(std::string_view key, timestamp time) {
        // -1 s and 500,000,000 ns is half a second before the epoch: "-0.5".
        bool const negative = time.seconds < 0;
        auto seconds =
            negative ? 0 - static_cast<std::uint64_t>(time.seconds) : static_cast<std::uint64_t>(time.seconds);
        auto nanoseconds = time.nanoseconds;
        if (negative && nanoseconds != 0) {
            seconds -= 1;
            nanoseconds = 1'000'000'000 - nanoseconds;
        }
        std::array<char, 40> buffer;
        char* at = buffer.data();
        if (negative) *at++ = '-';
        at = std::to_chars(at, buffer.data() + 24, seconds).ptr;
        if (nanoseconds != 0) {
            *at++ = '.';
            for (std::uint32_t unit = 100'000'000; nanoseconds != 0; unit /= 10) {
                *at++ = static_cast<char>('0' + nanoseconds / unit);
                nanoseconds %= unit;
            }
        }
        add(key, {buffer.data(), static_cast<std::size_t>(at - buffer.data())});
    }
    void clear() noexcept { text_.clear(); }
    [[nodiscard]] std::string_view text() const noexcept { return text_; }

private:
    static std::size_t digits(std::size_t value) noexcept {
        std::size_t count = 1;
        for (; value >= 10; value /= 10) ++count;
        return count;
    }
    void append_number(std::size_t value) {
        std::array<char, 24> buffer;
        auto const [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
        static_cast<void>(error);
        text_.append(buffer.data(), end);
    }
    std::string text_;
};

struct plan_of_header {
    attributes shown;
    std::size_t split = 0;
};

/// Collects the pax records this entry needs into `records`.
plan_of_header plan(walk::entry const& entry, std::uint64_t size, attribute_options const& options,
                    pax_records& records) {
    plan_of_header planned{present(entry, options), split_at(entry.name)};
    auto const& shown = planned.shown;
    records.clear();
    // Bytes that are no UTF-8 stand as they are in the ustar field while they fit: every reader gives them back, and GNU
    // tar warns of the hdrcharset record they would need in a pax header.
    bool const long_path = planned.split == std::string_view::npos || needs_utf8_record(entry.name);
    bool const long_link = entry.link_target.size() > link_field.bytes || needs_utf8_record(entry.link_target);
    if ((long_path && !is_utf8(entry.name)) || (long_link && !is_utf8(entry.link_target)))
        records.add("hdrcharset", "BINARY");
    if (long_path) records.add("path", entry.name);
    if (long_link) records.add("linkpath", entry.link_target);
    if (size > size_max) records.add_number("size", size);
    if (shown.uid > id_max) records.add_number("uid", shown.uid);
    if (shown.gid > id_max) records.add_number("gid", shown.gid);
    if (shown.owner.size() >= owner_field.bytes || !is_ascii(shown.owner)) records.add("uname", shown.owner);
    if (shown.group.size() >= group_field.bytes || !is_ascii(shown.group)) records.add("gname", shown.group);
    bool const plain_time = shown.mtime.nanoseconds == 0 && shown.mtime.seconds >= 0 &&
                            static_cast<std::uint64_t>(shown.mtime.seconds) <= size_max;
    if (!plain_time) records.add_time("mtime", shown.mtime);
    if (entry.kind == walk::entry_kind::hard_link) return planned;  // the first name carries the attributes
    std::string key;
    for (auto const& attribute : entry.xattrs) {
        key.assign("SCHILY.xattr.").append(attribute.name);
        records.add(key, attribute.value);
    }
    return planned;
}

std::string_view base_of(std::string_view name) noexcept {
    if (name.ends_with('/')) name.remove_suffix(1);
    auto const slash = name.rfind('/');
    return slash == std::string_view::npos ? name : name.substr(slash + 1);
}

std::uint64_t octal_time(timestamp time) noexcept {
    return time.seconds < 0 ? 0 : static_cast<std::uint64_t>(time.seconds);
}

/// The `x` entry before the real one. Its name holds no process id, so equal input gives equal bytes.
std::size_t write_pax(walk::entry const& entry, attributes const& shown, std::string_view records,
                      std::span<std::byte> out) {
    block header{out.data()};
    std::string name{"PaxHeaders/"};
    name += base_of(entry.name).substr(0, name_field.bytes - name.size());
    header.text(name_field, name);
    header.octal(mode_field, 0644);
    header.octal(uid_field, 0);
    header.octal(gid_field, 0);
    header.octal(size_field, records.size());
    header.octal(mtime_field, octal_time(shown.mtime));
    header.type('x');
    header.close();
    auto const body = static_cast<std::size_t>(padded(records.size()));
    std::memcpy(out.data() + block_bytes, records.data(), records.size());
    std::memset(out.data() + block_bytes + records.size(), 0, body - records.size());
    return block_bytes + body;
}

pax_records& scratch_records() {
    thread_local pax_records records;  // reused: a header is made for every entry
    return records;
}

}  // namespace

std::size_t header_bytes(walk::entry const& entry, std::uint64_t size, attribute_options const& options) {
    auto& records = scratch_records();
    static_cast<void>(plan(entry, size, options, records));
    if (records.text().empty()) return block_bytes;
    return 2 * block_bytes + static_cast<std::size_t>(padded(records.text().size()));
}

std::size_t write_header(walk::entry const& entry, std::uint64_t size, attribute_options const& options,
                         std::span<std::byte> out) {
    auto& records = scratch_records();
    auto const planned = plan(entry, size, options, records);
    auto const& shown = planned.shown;
    std::size_t written = 0;
    if (!records.text().empty()) {
        SUBMITIT_CHECK(out.size() >= 2 * block_bytes + padded(records.text().size()));
        written = write_pax(entry, shown, records.text(), out);
    }
    SUBMITIT_CHECK(out.size() >= written + block_bytes);
    block header{out.data() + written};
    std::string_view const name{entry.name};
    if (planned.split == std::string_view::npos) {
        header.text(name_field, name.substr(0, name_field.bytes));
    } else if (planned.split == 0) {
        header.text(name_field, name);
    } else {
        header.text(prefix_field, name.substr(0, planned.split));
        header.text(name_field, name.substr(planned.split + 1));
    }
    header.octal(mode_field, shown.mode & 07777U);
    header.octal(uid_field, shown.uid);
    header.octal(gid_field, shown.gid);
    header.octal(size_field, size);
    header.octal(mtime_field, octal_time(shown.mtime));
    header.type(type_of(entry.kind));
    header.text(link_field, std::string_view{entry.link_target}.substr(0, link_field.bytes));
    header.text(owner_field, shown.owner.substr(0, owner_field.bytes - 1));
    header.text(group_field, shown.group.substr(0, group_field.bytes - 1));
    bool const device = entry.kind == walk::entry_kind::char_device || entry.kind == walk::entry_kind::block_device;
    header.octal(major_field, device ? gnu_dev_major(entry.stat.rdev) : 0);
    header.octal(minor_field, device ? gnu_dev_minor(entry.stat.rdev) : 0);
    header.close();
    return written + block_bytes;
}

}  // namespace submitit::archive::tar
