// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <zlib.h>

#include <algorithm>
#include <random>

#include "codec/deflate.hpp"
#include "codec/deflate_stored.hpp"
#include "codec/sample_data.hpp"

namespace submitit::codec {
namespace {

using namespace test;

/// Joins `stream` in a buffer with no byte to spare; empty when it is refused.
bytes joined(bytes const& stream) {
    guarded out(stream.size() + 5);
    std::ranges::copy(stream, out.span().begin());
    std::size_t const n = make_joinable(out.span(), stream.size());
    CHECK(out.intact());
    CHECK(n <= stream.size() + 5);
    return {out.span().begin(), out.span().begin() + static_cast<std::ptrdiff_t>(n)};
}

/// The claim of make_joinable: what it made, twice in a row, then the end, reads as the data twice.
bool joins(bytes const& stream, bytes const& data) {
    bytes one = joined(stream);
    if (one.empty() || one.size() <= stream.size()) return false;
    bytes all = one;
    all.insert(all.end(), one.begin(), one.end());
    all.insert(all.end(), std::begin(deflate_end), std::end(deflate_end));
    bytes twice = data;
    twice.insert(twice.end(), data.begin(), data.end());
    inflated const back = inflate(all);
    return back.ok && back.data == twice;
}

constexpr std::size_t sizes[] = {0, 1, 2, 63, 1000, 65535, 65536, 200000};

}  // namespace

TEST_SUITE("codec/deflate_join") {
    TEST_CASE("zlib's streams join, whatever strategy, level and block size") {
        for (kind const k : all_kinds) {
            for (std::size_t const size : sizes) {
                bytes const data = make(k, size, size);
                CAPTURE(name_of(k));
                CAPTURE(size);
                for (int const strategy : {Z_DEFAULT_STRATEGY, Z_FILTERED, Z_HUFFMAN_ONLY, Z_RLE, Z_FIXED}) {
                    CAPTURE(strategy);
                    CHECK(joins(zlib_deflate(data, 6, strategy), data));
                    CHECK(joins(zlib_deflate(data, 2, strategy, 1), data));
                }
                CHECK(joins(zlib_deflate(data, 0, Z_DEFAULT_STRATEGY), data));
                CHECK(joins(zlib_deflate(data, 9, Z_DEFAULT_STRATEGY, 9), data));
            }
        }
    }

    TEST_CASE("streams of libdeflate and ISA-L join at every level") {
        for (deflate_choice const choice : all_choices()) {
            CAPTURE(name_of(choice));
            deflate_encoder encoder(choice);
            for (kind const k : all_kinds) {
                for (std::size_t const size : sizes) {
                    CAPTURE(size);
                    bytes const data = make(k, size, size);
                    bytes stream(deflate_encoder::bound(size));
                    stream.resize(encoder.compress(data, stream));
                    CHECK(joins(stream, data));
                }
            }
        }
    }

    TEST_CASE("stored blocks join") {
        for (std::size_t const size : sizes) {
            bytes const data = make(kind::random, size, size);
            bytes stream(stored_size(size));
            REQUIRE(write_stored(data, stream, true) == stream.size());
            CHECK(joins(stream, data));
        }
    }

    TEST_CASE("codes of 15 bits and of one bit join") {
        bytes fibonacci;  // counts that make a code as deep as deflate allows
        std::size_t a = 1;
        std::size_t b = 1;
        for (int symbol = 0; symbol < 24; ++symbol) {
            fibonacci.insert(fibonacci.end(), a, static_cast<std::byte>(symbol * 7));
            b += a;
            std::swap(a, b);
        }
        std::mt19937_64 r(1);
        std::shuffle(fibonacci.begin(), fibonacci.end(), r);
        CHECK(joins(zlib_deflate(fibonacci, 9, Z_HUFFMAN_ONLY, 9), fibonacci));
        bytes const zeros(100000);
        CHECK(joins(zlib_deflate(zeros, 9, Z_DEFAULT_STRATEGY), zeros));  // one distance, one bit
    }

    TEST_CASE("a buffer without five spare bytes is refused") {
        bytes const stream = zlib_deflate(make(kind::text, 1000, 1), 6, Z_DEFAULT_STRATEGY);
        for (std::size_t spare = 0; spare < 5; ++spare) {
            bytes buffer = stream;
            buffer.resize(stream.size() + spare);
            CHECK(make_joinable(buffer, stream.size()) == 0);
        }
        bytes buffer = stream;
        CHECK(make_joinable(buffer, stream.size() + 1) == 0);
    }

    TEST_CASE("a stream cut anywhere, or with a byte too many, is refused and left alone") {
        for (bytes const& stream : {zlib_deflate(make(kind::text, 3000, 1), 6, Z_DEFAULT_STRATEGY),
                                    zlib_deflate(make(kind::text, 300, 1), 6, Z_FIXED),
                                    zlib_deflate(make(kind::random, 3000, 1), 0, Z_DEFAULT_STRATEGY)}) {
            for (std::size_t keep = 0; keep < stream.size(); ++keep) {
                bytes cut(stream.begin(), stream.begin() + static_cast<std::ptrdiff_t>(keep));
                CHECK(joined(cut).empty());
            }
            bytes longer = stream;
            longer.push_back(std::byte{0});
            bytes buffer = longer;
            buffer.resize(longer.size() + 5);
            bytes const before = buffer;
            CHECK(make_joinable(buffer, longer.size()) == 0);
            CHECK(buffer == before);
        }
    }

    TEST_CASE("codes that zlib refuses are refused") {
        // Block header bits, least significant first: final, type 2, HLIT, HDIST, HCLEN, code length lengths.
        auto const stream_of = [](std::initializer_list<unsigned> values) {
            bytes out;
            for (unsigned const v : values) out.push_back(static_cast<std::byte>(v));
            out.resize(200);
            return out;
        };
        CHECK(joined(stream_of({0x07})).empty());                    // block type 3
        CHECK(joined(stream_of({0x05, 0xE0, 0xFF, 0xFF})).empty());  // over-subscribed code lengths
        CHECK(joined(stream_of({0xFD, 0x00})).empty());              // 288 literal codes
        CHECK(joined(stream_of({0x05, 0x1F})).empty());              // 32 distance codes
        CHECK(joined(stream_of({0x05, 0x00})).empty());              // no code lengths at all
    }

    TEST_CASE("a damaged stream never makes it read or write out of bounds, and what it joins zlib can parse") {
        std::uint64_t const seed = 987654321;
        CAPTURE(seed);
        std::mt19937_64 r(seed);
        std::size_t joined_count = 0;
        for (int i = 0; i < 20000; ++i) {
            bytes const data = make(all_kinds[r() % std::size(all_kinds)], r() % 1500, r());
            int const strategy = static_cast<int>(r() % 5);
            bytes stream = zlib_deflate(data, static_cast<int>(r() % 10), strategy, 1 + static_cast<int>(r() % 9));
            for (std::size_t n = 1 + r() % 4; n != 0; --n) {
                stream[r() % stream.size()] ^= static_cast<std::byte>(1U << (r() % 8));
            }
            if (r() % 4 == 0) stream.resize(r() % stream.size() + 1);
            bytes one = joined(stream);
            if (one.empty()) continue;
            ++joined_count;
            inflated const before = inflate(stream);
            if (!before.ok) continue;  // a distance before the start, the one thing not looked at
            one.insert(one.end(), std::begin(deflate_end), std::end(deflate_end));
            inflated const after = inflate(one);
            CHECK(after.ok);
            CHECK(after.data == before.data);
        }
        CHECK(joined_count > 100);
    }

    TEST_CASE("whatever zlib reads to the end, it joins") {
        std::uint64_t const seed = 5;
        CAPTURE(seed);
        std::mt19937_64 r(seed);
        std::size_t read = 0;
        for (int i = 0; i < 300000; ++i) {  // short noise: a few thousand of these are streams
            bytes stream(1 + r() % 12);
            for (std::byte& b : stream) b = static_cast<std::byte>(r());
            stream[0] |= std::byte{1};
            bool const ok = inflate(stream).ok;
            read += ok ? 1 : 0;
            bytes const one = joined(stream);
            if (ok) CHECK(!one.empty());
        }
        CHECK(read > 100);
    }
}

}  // namespace submitit::codec
