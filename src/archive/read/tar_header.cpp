// SPDX-License-Identifier: Apache-2.0
#include "archive/read/tar_header.hpp"

#include <algorithm>
#include <limits>
#include <string_view>

namespace submitit::archive::reader {
namespace {

constexpr std::size_t checksum_at = 148;
constexpr std::size_t checksum_bytes = 8;

unsigned value_of(std::byte b) noexcept { return std::to_integer<unsigned>(b); }

std::string text(std::span<std::byte const> field) {
    std::string out;
    for (auto const b : field) {
        if (b == std::byte{0}) break;
        out.push_back(std::to_integer<char>(b));
    }
    return out;
}

std::optional<std::uint64_t> base_256(std::span<std::byte const> field) noexcept {
    if (value_of(field[0]) & 0x40U) return std::nullopt;  // negative
    std::uint64_t value = value_of(field[0]) & 0x3FU;
    for (auto const b : field.subspan(1)) {
        if (value >> 56U) return std::nullopt;
        value = value << 8U | value_of(b);
    }
    return value;
}

template <class Table>
bool take_extents(std::span<std::byte const> slots, Table& into) noexcept {
    for (std::size_t i = 0; i < into.extents.size(); ++i) {
        auto const slot = slots.subspan(24 * i, 24);
        if (slot[0] == std::byte{0}) break;  // an unused slot
        auto const offset = tar_number(slot.first(12));
        auto const length = tar_number(slot.last(12));
        if (!offset || !length) return false;
        into.extents[into.count++] = {*offset, *length};
    }
    return true;
}

}  // namespace

bool tar_checksum_matches(tar_block block) noexcept {
    auto const stored = tar_number(block.subspan(checksum_at, checksum_bytes));
    if (!stored) return false;
    std::uint64_t sum = 0;
    std::uint64_t high = 0;  // bytes that a signed char makes 256 smaller
    for (std::size_t i = 0; i < block.size(); ++i) {
        bool const own = i >= checksum_at && i < checksum_at + checksum_bytes;
        auto const value = own ? 0x20U : value_of(block[i]);
        sum += value;
        high += value >> 7U;
    }
    return *stored == sum || (sum >= 256 * high && *stored == sum - 256 * high);
}

bool is_zero_block(std::span<std::byte const> bytes) noexcept {
    return std::ranges::all_of(bytes, [](std::byte b) { return b == std::byte{0}; });
}

bool has_tar_magic(tar_block block) noexcept {
    static constexpr std::string_view magic = "ustar";
    return std::ranges::equal(block.subspan(257, magic.size()), magic,
                              [](std::byte b, char c) { return std::to_integer<char>(b) == c; });
}

std::optional<std::uint64_t> tar_number(std::span<std::byte const> field) noexcept {
    if (value_of(field[0]) & 0x80U) return base_256(field);
    std::size_t i = 0;
    while (i < field.size() && field[i] == std::byte{' '}) ++i;
    std::uint64_t value = 0;
    for (; i < field.size(); ++i) {
        auto const digit = value_of(field[i]);
        if (digit < '0' || digit > '7') break;
        if (value >> 61U) return std::nullopt;
        value = value << 3U | (digit - '0');
    }
    for (; i < field.size(); ++i)
        if (field[i] != std::byte{0} && field[i] != std::byte{' '}) return std::nullopt;
    return value;
}

std::optional<tar_header> parse_tar_header(tar_block block) {
    tar_header out;
    auto const size = tar_number(block.subspan(124, 12));
    if (!size) return std::nullopt;
    out.size = *size;
    out.type = std::to_integer<char>(block[156]);
    out.posix = has_tar_magic(block) && block[262] == std::byte{0};
    out.path = text(block.first(100));
    out.link_target = text(block.subspan(157, 100));
    if (out.posix && block[345] != std::byte{0}) out.path = text(block.subspan(345, 155)) + "/" + out.path;
    return out;
}

std::optional<gnu_sparse_header> parse_gnu_sparse_header(tar_block block) noexcept {
    gnu_sparse_header out;
    auto const real_size = tar_number(block.subspan(483, 12));
    if (!real_size || !take_extents(block.subspan(386, 96), out)) return std::nullopt;
    out.real_size = *real_size;
    out.extended = block[482] != std::byte{0};
    return out;
}

std::optional<gnu_sparse_extension> parse_gnu_sparse_extension(tar_block block) noexcept {
    gnu_sparse_extension out;
    if (!take_extents(block.first(504), out)) return std::nullopt;
    out.extended = block[504] != std::byte{0};
    return out;
}

}  // namespace submitit::archive::reader
