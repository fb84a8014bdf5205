// SPDX-License-Identifier: Apache-2.0
#include "codec/deflate_tables.hpp"

#include <algorithm>

namespace submitit::codec {
namespace {

/// Canonical code words in order of symbols (RFC 1951 3.2.2), bit-reversed as they come off the stream.
class code_words {
public:
    /// False when the lengths form no acceptable code.
    [[nodiscard]] bool prepare(std::span<std::uint8_t const> lengths, bool may_be_incomplete) noexcept {
        std::array<unsigned, 16> count{};
        for (std::uint8_t const n : lengths) ++count[n];
        unsigned code = 0;
        unsigned longest = 0;
        for (unsigned n = 1; n <= 15; ++n) {
            next_[n] = code;
            if (count[n] != 0) longest = n;
            code += count[n];
            if (code > (1U << n)) return false;
            code <<= 1;
        }
        return code == (1U << 16) || (may_be_incomplete && longest <= 1);
    }

    [[nodiscard]] unsigned next(unsigned length) noexcept {
        unsigned code = next_[length]++;
        unsigned reversed = 0;
        for (unsigned i = 0; i < length; ++i, code >>= 1) reversed = reversed << 1 | (code & 1);
        return reversed;
    }

private:
    std::array<unsigned, 16> next_{};
};

/// `base(symbol)` gives kind and extra bits of a symbol.
template <class Table, class Base>
bool fill(Table& table, std::span<std::uint8_t const> lengths, Base base) noexcept {
    constexpr unsigned primary = 1U << Table::primary_bits;
    code_words words;
    if (!words.prepare(lengths, true)) return false;
    std::fill_n(table.entries.begin(), primary, skip_invalid);
    unsigned used = primary;
    for (unsigned symbol = 0; symbol < lengths.size(); ++symbol) {
        unsigned const length = lengths[symbol];
        if (length == 0) continue;
        skip_entry const e = base(symbol) + length + (length << 16);
        unsigned const word = words.next(length);
        if (length <= Table::primary_bits) {
            for (unsigned i = word; i < primary; i += 1U << length) table.entries[i] = e;
            continue;
        }
        skip_entry& link = table.entries[word & (primary - 1)];
        if (link == skip_invalid) {
            link = skip_subtable | used << 16;
            std::fill_n(table.entries.begin() + used, 1U << Table::sub_bits, skip_invalid);
            used += 1U << Table::sub_bits;
        }
        unsigned const start = link >> 16;
        unsigned const step = 1U << (length - Table::primary_bits);
        for (unsigned i = word >> Table::primary_bits; i < (1U << Table::sub_bits); i += step) {
            table.entries[start + i] = e;
        }
    }
    return true;
}

// RFC 1951 3.2.5.
constexpr skip_entry literal_base(unsigned symbol) noexcept {
    if (symbol < 256) return skip_literals;
    if (symbol == 256) return skip_end;
    if (symbol > 285) return skip_invalid;
    if (symbol < 265 || symbol == 285) return skip_length;
    return skip_length + (symbol - 261) / 4;
}

constexpr skip_entry distance_base(unsigned symbol) noexcept {
    if (symbol > 29) return skip_invalid;
    return skip_length + (symbol < 4 ? 0 : symbol / 2 - 1);
}

/// Lets one lookup take a literal and whatever follows it as far as the primary bits determine its code: text has short
/// codes, so most lookups then pass two symbols or more.
void join_literals(literal_table& table) noexcept {
    for (unsigned i = 1; i < (1U << literal_table::primary_bits); ++i) {
        skip_entry& e = table.entries[i];
        if ((e & skip_kind_mask) != skip_literals) continue;
        unsigned const length = e >> 16;
        skip_entry const next = table.entries[i >> length];  // a smaller index: joined already
        if ((next & (skip_literals | skip_length | skip_end)) == 0) continue;
        if (length + (next >> 16) > literal_table::primary_bits) continue;
        e = next + length + (length << 16);
    }
}

}  // namespace

bool build_table(literal_table& table, std::span<std::uint8_t const> lengths) noexcept {
    if (lengths.size() > 288 || !fill(table, lengths, literal_base)) return false;
    join_literals(table);
    return true;
}

bool build_table(distance_table& table, std::span<std::uint8_t const> lengths) noexcept {
    return lengths.size() <= 32 && fill(table, lengths, distance_base);
}

bool build_table(length_code_table& table, std::span<std::uint8_t const, 19> lengths) noexcept {
    code_words words;
    if (!words.prepare(lengths, false)) return false;
    table.fill(0);
    for (unsigned symbol = 0; symbol < 19; ++symbol) {
        unsigned const length = lengths[symbol];
        if (length == 0) continue;
        for (unsigned i = words.next(length); i < table.size(); i += 1U << length) {
            table[i] = static_cast<std::uint16_t>(symbol << 8 | length);
        }
    }
    return true;
}

}  // namespace submitit::codec
