// SPDX-License-Identifier: Apache-2.0
#include "codec/compressible.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

namespace submitit::codec {
namespace {

constexpr std::size_t sample_bytes = 4096;
constexpr std::uint64_t bit = 4096;  // costs are counted in 1/4096 bit, all integers: equal answers on every machine

/// log2(n) in units of 1/4096 bit.
constexpr std::uint64_t log2_of(std::uint64_t n) {
    std::uint64_t whole = 0;
    while ((n >> whole) > 1) ++whole;
    std::uint64_t x = (n << 30) >> whole;  // [1, 2) with 30 fractional bits
    std::uint64_t fraction = 0;
    for (int i = 0; i < 12; ++i) {
        x = (x * x) >> 30;
        fraction = fraction << 1 | (x >> 31);
        x >>= x >> 31;
    }
    return whole * bit + fraction;
}

constexpr auto n_log2_n = [] {
    std::array<std::uint32_t, sample_bytes + 1> table{};
    for (std::uint64_t n = 1; n < table.size(); ++n) table[n] = static_cast<std::uint32_t>(n * log2_of(n));
    return table;
}();

using histogram = std::array<std::uint16_t, 256>;

/// Order-0 cost of what was counted. The second term is the bias of an entropy taken from few bytes (Miller-Madow:
/// (kinds - 1) / 2 nats in all).
std::uint64_t entropy_cost(histogram const& counts) noexcept {
    std::uint64_t total = 0;
    std::uint64_t inner = 0;
    std::uint64_t kinds = 0;
    for (std::uint16_t const n : counts) {
        total += n;
        inner += n_log2_n[n];
        kinds += n != 0 ? 1 : 0;
    }
    return kinds == 0 ? 0 : n_log2_n[total] - inner + (kinds - 1) * bit * 72 / 100;
}

histogram count(std::span<std::byte const> sample) noexcept {
    std::array<histogram, 2> parts{};  // two, so that runs of one byte do not wait for their own store
    for (std::size_t i = 0; i < sample.size(); ++i) ++parts[i & 1][std::to_integer<unsigned>(sample[i])];
    for (std::size_t i = 0; i < 256; ++i) parts[0][i] = static_cast<std::uint16_t>(parts[0][i] + parts[1][i]);
    return parts[0];
}

std::uint32_t four_at(std::span<std::byte const> sample, std::size_t at) noexcept {
    std::uint32_t value;
    std::memcpy(&value, sample.data() + at, 4);
    return value;
}

/// A greedy match search inside the sample; a match costs about 20 bits, what is left is coded by its entropy.
std::uint64_t match_cost(std::span<std::byte const> sample) noexcept {
    std::array<std::uint16_t, 1024> seen;
    seen.fill(0xFFFF);
    histogram literals{};
    std::uint64_t matches = 0;
    std::size_t at = 0;
    while (at + 4 <= sample.size()) {
        std::uint32_t const four = four_at(sample, at);
        std::uint16_t& slot = seen[(four * 0x9E3779B1U) >> 22];
        std::size_t const earlier = slot;
        slot = static_cast<std::uint16_t>(at);
        if (earlier == 0xFFFF || four_at(sample, earlier) != four) {
            ++literals[std::to_integer<unsigned>(sample[at++])];
            continue;
        }
        std::size_t length = 4;
        while (at + length < sample.size() && sample[earlier + length] == sample[at + length]) ++length;
        at += length;
        ++matches;
    }
    for (; at < sample.size(); ++at) ++literals[std::to_integer<unsigned>(sample[at])];
    return entropy_cost(literals) + matches * 20 * bit;
}

/// Estimated cost of a sample in 1/4096 bit. Byte statistics settle most; only a sample that looks random by them is
/// searched for repetitions.
std::uint64_t estimate(std::span<std::byte const> sample) noexcept {
    std::uint64_t const by_bytes = entropy_cost(count(sample));
    if (by_bytes * 10 < sample.size() * 8 * bit * 9) return by_bytes;
    return std::min(by_bytes, match_cost(sample));
}

bool saves_enough(std::uint64_t cost, std::size_t bytes) noexcept { return cost * 100 < bytes * 8 * bit * 97; }

/// Half of all byte values missing means at most 7 bits a byte: true of nearly every text, for the price of a glance.
bool few_byte_values(std::span<std::byte const> head) noexcept {
    std::array<std::uint8_t, 256> seen{};
    for (std::byte const b : head) seen[std::to_integer<unsigned>(b)] = 1;
    unsigned kinds = 0;
    for (std::uint8_t const s : seen) kinds += s;
    return kinds <= 128;
}

}  // namespace

bool looks_compressible(std::span<std::byte const> bytes) noexcept {
    constexpr std::size_t glance_bytes = 1024;
    if (bytes.size() < 64) return true;
    // 1 KiB speaks for a small input only; in 200 bytes, half of all values are missing whatever they are.
    if (bytes.size() >= glance_bytes && bytes.size() <= 16 * glance_bytes &&
        few_byte_values(bytes.first(glance_bytes))) {
        return true;
    }
    if (bytes.size() <= 3 * sample_bytes) {
        constexpr std::uint64_t code_lengths = 320 * bit;  // what a dynamic block's header takes, felt in small inputs
        std::uint64_t cost = code_lengths;
        for (auto rest = bytes; !rest.empty(); rest = rest.subspan(std::min(rest.size(), sample_bytes))) {
            cost += estimate(rest.first(std::min(rest.size(), sample_bytes)));
        }
        return saves_enough(cost, bytes.size());
    }
    std::uint64_t const cost = estimate(bytes.first(sample_bytes)) +
                               estimate(bytes.subspan((bytes.size() - sample_bytes) / 2, sample_bytes)) +
                               estimate(bytes.last(sample_bytes));
    return saves_enough(cost, 3 * sample_bytes);
}

bool segment_looks_compressible(std::span<std::byte const> bytes) noexcept {
    constexpr std::size_t stride = 64 * 1024;
    if (bytes.size() <= stride) return looks_compressible(bytes);
    for (std::size_t at = 0; at + sample_bytes <= bytes.size(); at += stride) {
        if (saves_enough(estimate(bytes.subspan(at, sample_bytes)), sample_bytes)) return true;
    }
    return false;
}

}  // namespace submitit::codec
