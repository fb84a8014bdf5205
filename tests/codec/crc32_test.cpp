// SPDX-License-Identifier: Apache-2.0
#include "codec/crc32.hpp"

#include <doctest/doctest.h>
#include <zlib.h>

#include <random>

#include "codec/sample_data.hpp"

namespace submitit::codec {

using namespace test;

TEST_SUITE("codec/crc32") {
    TEST_CASE("the check value of CRC-32 is cbf43926") {
        std::string_view const digits = "123456789";
        CHECK(crc32(0, std::as_bytes(std::span(digits))) == 0xCBF43926U);
    }

    TEST_CASE("the CRC of nothing is the CRC before it") {
        CHECK(crc32(0, {}) == 0);
        CHECK(crc32(0x12345678U, {}) == 0x12345678U);
    }

    TEST_CASE("it agrees with zlib in one piece, in two, and combined") {
        std::uint64_t const seed = 77;
        CAPTURE(seed);
        std::mt19937_64 r(seed);
        for (int i = 0; i < 200; ++i) {
            bytes const data = make(kind::random, r() % 5000, r());
            std::span<std::byte const> const all(data);
            std::size_t const cut = data.empty() ? 0 : r() % data.size();
            std::uint32_t const expected = static_cast<std::uint32_t>(
                ::crc32(0, reinterpret_cast<unsigned char const*>(data.data()), static_cast<unsigned>(data.size())));
            CHECK((data.empty() ? 0 : expected) == crc32(0, all));
            CHECK(crc32(0, all) == crc32(crc32(0, all.first(cut)), all.subspan(cut)));
            CHECK(crc32(0, all) ==
                  combine_crc32(crc32(0, all.first(cut)), crc32(0, all.subspan(cut)), data.size() - cut));
        }
    }

    TEST_CASE("combining works past 4 GiB") {
        // 8 GiB of zeros, doubled up from 1 MiB, against the same length put together from unequal parts.
        bytes const zeros(1 << 20);
        std::uint32_t doubled = crc32(0, zeros);
        std::uint64_t length = zeros.size();
        std::uint32_t const one = doubled;
        for (; length < (std::uint64_t{1} << 33); length *= 2) doubled = combine_crc32(doubled, doubled, length);
        std::uint32_t tail = one;
        std::uint64_t tail_length = zeros.size();
        for (; tail_length < length / 2; tail_length *= 2) tail = combine_crc32(tail, tail, tail_length);
        std::uint32_t const head = combine_crc32(tail, tail, tail_length / 2 * 2);
        CHECK(head == doubled);
        CHECK(combine_crc32(combine_crc32(0, tail, tail_length), tail, tail_length) == doubled);
    }
}

}  // namespace submitit::codec
