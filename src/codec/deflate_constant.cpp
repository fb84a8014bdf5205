// SPDX-License-Identifier: Apache-2.0
#include "codec/deflate_constant.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace submitit::codec {
namespace {

/// Bits into zeroed bytes, least significant first.
class bit_writer {
public:
    explicit bit_writer(std::byte* out) noexcept : out_(out) {}

    void put(unsigned value, unsigned bits) noexcept {
        for (; bits != 0; --bits, value >>= 1, ++at_) out_[at_ / 8] |= static_cast<std::byte>((value & 1) << (at_ % 8));
    }
    /// A Huffman code: most significant bit first.
    void put_code(unsigned code, unsigned bits) noexcept {
        while (bits-- != 0) put(code >> bits & 1, 1);
    }
    void skip(std::size_t zero_bits) noexcept { at_ += zero_bits; }
    void align() noexcept { at_ = (at_ + 7) / 8 * 8; }
    [[nodiscard]] std::size_t bytes() const noexcept { return (at_ + 7) / 8; }

private:
    std::byte* out_;
    std::size_t at_ = 0;
};

/// RFC 1951 3.2.5: the symbol of a match length below 258, and its extra bits.
struct length_symbol {
    unsigned symbol;
    unsigned extra_bits;
    unsigned extra;
};

length_symbol symbol_of(unsigned length) noexcept {
    if (length < 11) return {254 + length, 0, 0};
    unsigned bits = 1;
    while (length - 3 >= 8U << bits) ++bits;
    unsigned const above = length - 3 - (4U << bits);
    return {261 + 4 * bits + (above >> bits), bits, above & ((1U << bits) - 1)};
}

/// Code lengths, in a code of our own over 0, 1, 2, 3, 17 and 18: two bits for 0 (00) and 18 (01), three for the others.
class lengths_writer {
public:
    explicit lengths_writer(bit_writer& out) noexcept : out_(out) {
        constexpr unsigned order[] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1};
        out_.put(286 - 257, 5);
        out_.put(2 - 1, 5);
        out_.put(18 - 4, 4);
        for (unsigned const symbol : order) out_.put(code_bits(symbol), 3);
    }

    /// All symbols before `symbol` that have none yet get length 0.
    void put(unsigned symbol, unsigned length) noexcept {
        zeros(symbol - next_);
        out_.put_code(0b011 + length, 3);  // 1, 2, 3: 100, 101, 110
        next_ = symbol + 1;
    }

private:
    static unsigned code_bits(unsigned symbol) noexcept {
        if (symbol == 0 || symbol == 18) return 2;
        return symbol <= 3 || symbol == 17 ? 3 : 0;
    }

    void zeros(unsigned count) noexcept {
        while (count >= 11) {
            unsigned const run = std::min(count, 138U);
            out_.put_code(0b01, 2);
            out_.put(run - 11, 7);
            count -= run;
        }
        if (count >= 3) {
            out_.put_code(0b111, 3);
            out_.put(count - 3, 3);
            count = 0;
        }
        while (count-- != 0) out_.put_code(0b00, 2);
    }

    bit_writer& out_;
    unsigned next_ = 0;
};

}  // namespace

bool is_constant(std::span<std::byte const> in) noexcept {
    return in.size() >= 1024 && std::memcmp(in.data(), in.data() + 1, in.size() - 1) == 0;
}

std::size_t write_constant(std::span<std::byte const> in, std::span<std::byte> out, bool final) noexcept {
    std::size_t const space = constant_bound(in.size());
    if (out.size() < space) return 0;
    std::memset(out.data(), 0, space);
    unsigned const value = std::to_integer<unsigned>(in[0]);
    std::size_t const matches = (in.size() - 1) / 258;
    unsigned const rest = static_cast<unsigned>((in.size() - 1) % 258);
    bool const short_match = rest >= 3;
    length_symbol const last = symbol_of(short_match ? rest : 3);

    bit_writer to(out.data());
    to.put(final ? 1 : 0, 1);
    to.put(2, 2);
    lengths_writer lengths(to);
    lengths.put(value, 2);                         // 10
    lengths.put(256, short_match ? 3 : 2);         // 110 or 11
    if (short_match) lengths.put(last.symbol, 3);  // 111
    lengths.put(285, 1);                           // 0: 258 bytes
    lengths.put(286, 1);                           // distance 1: 0
    lengths.put(287, 1);                           // distance 2, unused: readers differ about a code of one symbol

    for (unsigned i = 0; i < (short_match ? 1 : 1 + rest); ++i) to.put_code(0b10, 2);
    to.skip(2 * matches);
    if (short_match) {
        to.put_code(0b111, 3);
        to.put(last.extra, last.extra_bits);
        to.skip(1);
    }
    to.put_code(short_match ? 0b110 : 0b11, short_match ? 3 : 2);
    if (final) return to.bytes();
    to.skip(3);
    to.align();
    to.put(0xFFFF0000U, 32);
    return to.bytes();
}

}  // namespace submitit::codec
