// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace submitit::codec {

/// What a lookup of the next bits says to someone who only wants to get past them.
/// Bits 0-7: how many bits to drop, extra bits of lengths and distances included. Bits 8-15: `skip_kind`. Bits 16-31:
/// how many of the dropped bits are codes; for `skip_subtable` the index of its first entry, and nothing is dropped.
using skip_entry = std::uint32_t;
enum skip_kind : skip_entry {
    skip_invalid = 0x000,   // no code has these bits
    skip_literals = 0x100,  // one literal or several
    skip_length = 0x200,    // literals or none, then a length: a distance follows
    skip_end = 0x400,       // literals or none, then end of block
    skip_subtable = 0x800,  // the code is longer than the primary lookup
    skip_kind_mask = 0xF00,
};

/// Lookup tables of one Huffman code (RFC 1951 3.2.2): a primary lookup on the next `Bits` bits, and subtables for
/// longer codes. `Symbols` bounds the number of codes.
template <unsigned Bits, unsigned Symbols>
struct skip_table {
    static constexpr unsigned primary_bits = Bits;
    static constexpr unsigned sub_bits = 15 - Bits;
    static constexpr std::size_t size = (1U << Bits) + (Symbols << sub_bits);
    std::array<skip_entry, size> entries;

    [[nodiscard]] skip_entry find(std::uint64_t bits) const noexcept {
        skip_entry e = entries[bits & ((1U << Bits) - 1)];
        if ((e & skip_subtable) != 0) e = entries[(e >> 16) + ((bits >> Bits) & ((1U << sub_bits) - 1))];
        return e;
    }
};

using literal_table = skip_table<11, 288>;
using distance_table = skip_table<9, 32>;

/// Fill the tables from code lengths (at most 288 and 32 of them, each 0..15). False when the lengths form no code that
/// zlib would accept: over-subscribed, or incomplete with more than one bit.
[[nodiscard]] bool build_table(literal_table& table, std::span<std::uint8_t const> lengths) noexcept;
[[nodiscard]] bool build_table(distance_table& table, std::span<std::uint8_t const> lengths) noexcept;

/// The code of code lengths (RFC 1951 3.2.7): entry = symbol << 8 | bits, 0 where no code has these bits.
using length_code_table = std::array<std::uint16_t, 128>;
[[nodiscard]] bool build_table(length_code_table& table, std::span<std::uint8_t const, 19> lengths) noexcept;

}  // namespace submitit::codec
