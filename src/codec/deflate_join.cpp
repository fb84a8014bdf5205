// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "codec/deflate.hpp"
#include "codec/deflate_tables.hpp"

namespace submitit::codec {
namespace {

/// Bits of a stream, least significant first. Past the end come zeros; `refill` says when one of those was taken.
class bit_reader {
public:
    explicit bit_reader(std::span<std::byte const> in) noexcept
        : begin_(in.data()), at_(begin_), end_(begin_ + in.size()) {}

    /// At least 56 bits are there afterwards. False when bits past the end were dropped.
    [[nodiscard]] bool refill() noexcept {
        if (end_ - at_ < 8) return refill_slowly();
        std::uint64_t word;
        std::memcpy(&word, at_, 8);
        if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
        bits_ |= word << count_;
        at_ += (63 - count_) >> 3;
        count_ |= 56;
        return true;
    }

    [[nodiscard]] std::uint64_t peek() const noexcept { return bits_; }
    void drop(unsigned n) noexcept {
        bits_ >>= n;
        count_ -= n;
    }
    [[nodiscard]] unsigned take(unsigned n) noexcept {
        unsigned const value = static_cast<unsigned>(bits_ & ((std::uint64_t{1} << n) - 1));
        drop(n);
        return value;
    }

    /// Bits dropped so far.
    [[nodiscard]] std::size_t position() const noexcept {
        return (static_cast<std::size_t>(at_ - begin_) + past_end_) * 8 - count_;
    }

    /// Goes on at the byte border `bytes` after the next one; false when that is past the end.
    [[nodiscard]] bool skip_bytes(std::size_t bytes) noexcept {
        std::size_t const from = (position() + 7) / 8;
        std::size_t const size = static_cast<std::size_t>(end_ - begin_);
        if (from > size || bytes > size - from) return false;
        at_ = begin_ + from + bytes;
        bits_ = 0;
        count_ = past_end_ = 0;
        return true;
    }

private:
    [[nodiscard]] bool refill_slowly() noexcept {
        bits_ &= (std::uint64_t{1} << count_) - 1;  // the fast path leaves more above
        for (; count_ < 56; count_ += 8) {
            if (at_ == end_) ++past_end_;
            else bits_ |= std::to_integer<std::uint64_t>(*at_++) << count_;
        }
        return past_end_ * 8 <= count_;
    }

    std::byte const* begin_;
    std::byte const* at_;
    std::byte const* end_;
    std::uint64_t bits_ = 0;
    unsigned count_ = 0;     // valid bits in bits_; at most 63 before a refill
    unsigned past_end_ = 0;  // zero bytes made up
};

struct tables {
    literal_table literals;
    distance_table distances;
};

/// Symbols up to the end of the block. A literal entry takes at most 15 bits, a length 20, a distance 28, so one refill
/// serves either two literal entries or a length and its distance.
bool skip_symbols(bit_reader& reader, tables const& t) noexcept {
    bit_reader in = reader;  // lives in registers
    for (;;) {
        if (!in.refill()) return false;
        skip_entry e = t.literals.find(in.peek());
        in.drop(e & 0xFF);
        if ((e & skip_literals) != 0) {
            e = t.literals.find(in.peek());
            in.drop(e & 0xFF);
            if ((e & skip_literals) != 0) continue;
            if (!in.refill()) return false;
        }
        if ((e & skip_length) != 0) {
            skip_entry const d = t.distances.find(in.peek());
            if ((d & skip_length) == 0) return false;
            in.drop(d & 0xFF);
            continue;
        }
        reader = in;
        return (e & skip_end) != 0;
    }
}

/// RFC 1951 3.2.7: the code lengths of a dynamic block, run-length coded by a code of their own.
bool read_codes(bit_reader& in, tables& t) noexcept {
    constexpr std::array<std::uint8_t, 19> order{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
    if (!in.refill()) return false;
    unsigned const literals = in.take(5) + 257;
    unsigned const total = literals + in.take(5) + 1;
    unsigned const given = in.take(4) + 4;
    if (literals > 286 || total - literals > 30) return false;
    std::array<std::uint8_t, 19> code{};
    for (unsigned i = 0; i < given; ++i) {
        if (i % 8 == 0 && !in.refill()) return false;
        code[order[i]] = static_cast<std::uint8_t>(in.take(3));
    }
    length_code_table table;
    if (!build_table(table, code)) return false;
    std::array<std::uint8_t, 286 + 30> lengths;
    for (unsigned n = 0; n < total;) {
        if (!in.refill()) return false;
        unsigned const e = table[in.peek() & 127];
        unsigned const symbol = e >> 8;
        in.drop(e & 0xFF);
        if (symbol < 16) {
            lengths[n++] = static_cast<std::uint8_t>(symbol);
            continue;
        }
        if (symbol == 16 && n == 0) return false;
        unsigned const run = symbol == 16 ? 3 + in.take(2) : symbol == 17 ? 3 + in.take(3) : 11 + in.take(7);
        if (run > total - n) return false;
        std::fill_n(lengths.begin() + n, run, symbol == 16 ? lengths[n - 1] : std::uint8_t{0});
        n += run;
    }
    std::span<std::uint8_t const> const all(lengths.data(), total);
    return build_table(t.literals, all.first(literals)) && build_table(t.distances, all.subspan(literals));
}

/// RFC 1951 3.2.6.
bool fixed_codes(tables& t) noexcept {
    std::array<std::uint8_t, 288> lengths;
    for (unsigned i = 0; i < lengths.size(); ++i) lengths[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
    std::array<std::uint8_t, 32> distances;
    distances.fill(5);
    return build_table(t.literals, lengths) && build_table(t.distances, distances);
}

/// RFC 1951 3.2.4: padding, LEN, its complement, LEN bytes.
bool skip_stored(bit_reader& in) noexcept {
    if (!in.skip_bytes(0) || !in.refill()) return false;
    unsigned const length = in.take(16);
    return (length ^ in.take(16)) == 0xFFFF && in.skip_bytes(length);
}

bool skip_block(bit_reader& in, unsigned type, tables& t) noexcept {
    if (type == 0) return skip_stored(in);
    if (type == 1) return fixed_codes(t) && skip_symbols(in, t);
    return type == 2 && read_codes(in, t) && skip_symbols(in, t);
}

}  // namespace

std::size_t make_joinable(std::span<std::byte> buffer, std::size_t stream_bytes) noexcept {
    if (buffer.size() < stream_bytes || buffer.size() - stream_bytes < 5) return 0;
    bit_reader in(buffer.first(stream_bytes));
    tables t;
    std::size_t header = 0;  // bit position of the last block's header
    for (bool last = false; !last;) {
        header = in.position();
        if (!in.refill()) return 0;
        last = in.take(1) != 0;
        unsigned const type = in.take(2);
        if (!skip_block(in, type, t)) return 0;
    }
    std::size_t const end = in.position();
    if ((end + 7) / 8 != stream_bytes) return 0;

    buffer[header / 8] &= ~(std::byte{1} << (header % 8));
    if (end % 8 != 0) buffer[end / 8] &= ~(std::byte{0xFF} << (end % 8));
    std::size_t const aligned = (end + 3 + 7) / 8;
    if (aligned > stream_bytes) buffer[aligned - 1] = std::byte{0};
    constexpr std::array empty{std::byte{0}, std::byte{0}, std::byte{0xFF}, std::byte{0xFF}};
    std::copy(empty.begin(), empty.end(), buffer.begin() + static_cast<std::ptrdiff_t>(aligned));
    return aligned + empty.size();
}

}  // namespace submitit::codec
