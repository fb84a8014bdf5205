// SPDX-License-Identifier: Apache-2.0
#include "codec/zstd.hpp"

#include <doctest/doctest.h>
#include <zstd.h>

#include <algorithm>
#include <random>

#include "codec/sample_data.hpp"

namespace submitit::codec {
namespace {

using namespace test;

bytes frame_of(zstd_encoder& encoder, std::span<std::byte const> in) {
    guarded out(zstd_encoder::bound(in.size()));
    std::size_t const n = encoder.frame(in, out.span());
    CHECK(out.intact());
    CHECK(n > 0);
    return {out.span().begin(), out.span().begin() + static_cast<std::ptrdiff_t>(n)};
}

bytes decoded(std::span<std::byte const> stream, std::size_t most) {
    bytes data(most);
    std::size_t const n = ZSTD_decompress(data.data(), data.size(), stream.data(), stream.size());
    CHECK_MESSAGE(ZSTD_isError(n) == 0, ZSTD_getErrorName(n));
    data.resize(ZSTD_isError(n) != 0 ? 0 : n);
    return data;
}

bool collect(void* context, std::span<std::byte const> piece) {
    CHECK(piece.size() <= 128 * 1024);
    auto& all = *static_cast<bytes*>(context);
    all.insert(all.end(), piece.begin(), piece.end());
    return true;
}

/// One --single-frame stream, fed in the pieces that `cut` names.
template <class Cut>
bytes stream_of(int level, unsigned workers, std::span<std::byte const> in, Cut cut) {
    zstd_stream stream(level, workers);
    bytes out;
    while (!in.empty()) {
        std::size_t const piece = std::min(in.size(), cut());
        CHECK(stream.write(in.first(piece), false, collect, &out));
        in = in.subspan(piece);
    }
    CHECK(stream.write({}, true, collect, &out));
    return out;
}

}  // namespace

TEST_SUITE("codec/zstd") {
    TEST_CASE("every level's frame says its size, carries a checksum and decodes to its input") {
        for (int level = 1; level <= 19; ++level) {
            CAPTURE(level);
            zstd_encoder encoder(level, 1 << 20);
            for (kind const k : {kind::zeros, kind::random, kind::text, kind::mixed}) {
                for (std::size_t const size : {0U, 1U, 63U, 65535U, 65536U, 300000U}) {
                    bytes const data = make(k, size, size + 1);
                    bytes const frame = frame_of(encoder, data);
                    CHECK(ZSTD_getFrameContentSize(frame.data(), frame.size()) == size);
                    CHECK((std::to_integer<unsigned>(frame[4]) & 4) != 0);
                    CHECK(decoded(frame, size) == data);
                }
            }
        }
    }

    TEST_CASE("frames of the largest size work at -1, 0 and +1") {
        constexpr std::size_t most = 4 << 20;
        bytes const data = make(kind::mixed, most + 1, 4);
        for (int const level : {1, 3, 9, 19}) {
            zstd_encoder encoder(level, most);
            for (std::size_t const size : {most - 1, most}) {
                CHECK(decoded(frame_of(encoder, std::span(data).first(size)), size).size() == size);
            }
            bytes out(zstd_encoder::bound(most + 1));
            CHECK(encoder.frame(data, out) == 0);
        }
    }

    TEST_CASE("a frame needs its bound") {
        zstd_encoder encoder(3, 1 << 20);
        bytes const data = make(kind::text, 5000, 1);
        bytes out(zstd_encoder::bound(data.size()) - 1);
        CHECK(encoder.frame(data, out) == 0);
    }

    TEST_CASE("a flipped content bit is found by the checksum") {
        zstd_encoder encoder(3, 1 << 20);
        bytes const data = make(kind::random, 5000, 1);
        bytes frame = frame_of(encoder, data);
        frame[2500] ^= std::byte{1};
        bytes back(data.size());
        CHECK(ZSTD_isError(ZSTD_decompress(back.data(), back.size(), frame.data(), frame.size())) != 0);
    }

    TEST_CASE("a frame's bytes do not depend on what the encoder did before") {
        for (int const level : {1, 3, 5, 7, 13, 19}) {
            CAPTURE(level);
            zstd_encoder used(level, 1 << 20);
            std::mt19937_64 r(9);
            for (int i = 0; i < 8; ++i) {
                bytes const data = make(all_kinds[r() % std::size(all_kinds)], r() % 400000, r());
                zstd_encoder fresh(level, 1 << 20);
                CHECK(frame_of(used, data) == frame_of(fresh, data));
            }
        }
    }

    TEST_CASE("the single frame does not depend on workers or on how its input is cut") {
        bytes const data = make(kind::mixed, 9'000'000, 12);
        for (int const level : {1, 3, 9}) {
            CAPTURE(level);
            bytes const expected = stream_of(level, 1, data, [] { return std::size_t{1 << 20}; });
            CHECK(decoded(expected, data.size()) == data);
            CHECK(stream_of(level, 2, data, [&] { return data.size(); }) == expected);
            CHECK(stream_of(level, 4, data, [] { return std::size_t{4 << 20}; }) == expected);
            std::mt19937_64 r(1);
            CHECK(stream_of(level, 2, data, [&] { return std::size_t{1 + r() % 300000}; }) == expected);
        }
    }

    TEST_CASE("a small single frame does not depend on its cut either") {
        for (std::size_t const size : {0U, 1U, 1000U, 600000U}) {
            CAPTURE(size);
            bytes const data = make(kind::text, size, 12);
            bytes const expected = stream_of(3, 1, data, [] { return std::size_t{100}; });
            CHECK(decoded(expected, data.size()) == data);
            CHECK(stream_of(3, 2, data, [&] { return data.size(); }) == expected);
            zstd_stream stream(3, 2);
            bytes at_once;
            CHECK(stream.write(data, true, collect, &at_once));
            CHECK(at_once == expected);
        }
    }

    TEST_CASE("one stream object makes frame after frame") {
        zstd_stream stream(3, 2);
        bytes const data = make(kind::source, 3'000'000, 12);
        bytes first;
        bytes second;
        CHECK(stream.write(data, true, collect, &first));
        CHECK(stream.write(data, true, collect, &second));
        CHECK(first == second);
    }

    TEST_CASE("a stream's memory stays below what was booked, and not far below") {
        bytes const mixed = make(kind::mixed, 12'000'000, 3);
        bytes const zeros(32'000'000);
        for (int const level : {1, 3, 9, 19}) {
            bytes const& data = level < 10 ? mixed : zeros;  // level 19 is slow
            for (unsigned const workers : {1U, 2U, 4U}) {
                CAPTURE(level);
                CAPTURE(workers);
                zstd_stream stream(level, workers);
                bytes out;
                CHECK(stream.write(data, true, collect, &out));
                CHECK(stream.memory_bytes() <= zstd_stream::context_bytes(level, workers));
                CHECK(stream.memory_bytes() >= zstd_stream::context_bytes(level, workers) / 4);
            }
        }
    }

    TEST_CASE("a frame encoder's memory is what the design counts on") {
        CHECK(zstd_encoder::context_bytes(3, 4 << 20) < 1'500'000);
        CHECK(zstd_encoder::context_bytes(9, 4 << 20) < 14'000'000);
        CHECK(zstd_encoder::context_bytes(19, 4 << 20) < 60'000'000);
        for (int level = 1; level <= 19; ++level) {
            CHECK(zstd_encoder::context_bytes(level, 1 << 20) <= zstd_encoder::context_bytes(level, 4 << 20));
        }
    }

    TEST_CASE("a refusing output ends the stream") {
        zstd_stream stream(1, 1);
        bytes const data = make(kind::random, 3'000'000, 12);
        CHECK_FALSE(stream.write(data, true, [](void*, std::span<std::byte const>) { return false; }, nullptr));
    }
}

}  // namespace submitit::codec
