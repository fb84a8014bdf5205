// SPDX-License-Identifier: Apache-2.0
#include "codec/deflate.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>

#include "codec/deflate_stored.hpp"
#include "codec/isal_encoder.hpp"
#include "codec/sample_data.hpp"

namespace submitit::codec {
namespace {

using namespace test;

constexpr std::size_t edge_sizes[] = {0, 1, 2, 7, 8, 9, 63, 64, 4095, 65534, 65535, 65536, 65537, 131070, 131071};

bytes entry_of(deflate_encoder& encoder, std::span<std::byte const> in) {
    guarded out(deflate_encoder::bound(in.size()));
    std::size_t const n = encoder.compress(in, out.span());
    CHECK(out.intact());
    CHECK(n > 0);
    CHECK(n <= std::max<std::size_t>(stored_size(in.size()), 2));
    return {out.span().begin(), out.span().begin() + static_cast<std::ptrdiff_t>(n)};
}

bytes segment_of(deflate_encoder& encoder, std::span<std::byte const> in) {
    guarded out(deflate_encoder::segment_bound(in.size()));
    std::size_t const n = encoder.compress_segment(in, out.span());
    CHECK(out.intact());
    CHECK(n > 0);
    CHECK(n <= stored_size(in.size()));
    return {out.span().begin(), out.span().begin() + static_cast<std::ptrdiff_t>(n)};
}

void append(bytes& to, std::span<std::byte const> more) { to.insert(to.end(), more.begin(), more.end()); }

bool gives_back(std::span<std::byte const> stream, std::span<std::byte const> data) {
    inflated const back = inflate(stream);
    return back.ok && std::ranges::equal(back.data, data);
}

}  // namespace

TEST_SUITE("codec/deflate") {
    TEST_CASE("every encoder's stream inflates to its input, within the bound") {
        for (deflate_choice const choice : all_choices()) {
            deflate_encoder encoder(choice);
            CAPTURE(name_of(choice));
            for (kind const k : all_kinds) {
                CAPTURE(name_of(k));
                for (std::size_t const size : edge_sizes) {
                    CAPTURE(size);
                    bytes const data = make(k, size, 11 + size);
                    CHECK(gives_back(entry_of(encoder, data), data));
                    bytes segment = segment_of(encoder, data);
                    append(segment, deflate_end);
                    CHECK(gives_back(segment, data));
                }
            }
        }
    }

    TEST_CASE("sizes around 1 MiB survive at every level of the table") {
        for (bool const reproducible : {false, true}) {
            for (deflate_use const use : {deflate_use::entry, deflate_use::segment}) {
                for (int level = 1; level <= 9; ++level) {
                    deflate_encoder encoder(level, reproducible, use);
                    CAPTURE(level);
                    for (std::size_t const size : {1048575U, 1048576U, 1048577U}) {
                        bytes const data = make(kind::mixed, size, size);
                        CHECK(gives_back(entry_of(encoder, data), data));
                        bytes segment = segment_of(encoder, data);
                        append(segment, deflate_end);
                        CHECK(gives_back(segment, data));
                    }
                }
            }
        }
    }

    TEST_CASE("segments of different encoders join into one stream") {
        std::uint64_t const seed = 20240611;
        CAPTURE(seed);
        std::mt19937_64 r(seed);
        std::vector<deflate_encoder> encoders;
        for (deflate_choice const choice : all_choices()) encoders.emplace_back(choice);
        bytes whole;
        bytes stream;
        for (int i = 0; i < 150; ++i) {
            kind const k = all_kinds[r() % std::size(all_kinds)];
            bytes const data = make(k, r() % 100000, r());
            append(whole, data);
            append(stream, segment_of(encoders[r() % encoders.size()], data));
        }
        append(stream, deflate_end);
        CHECK(gives_back(stream, whole));
    }

    TEST_CASE("the bytes do not depend on what an encoder did before") {
        for (deflate_choice const choice : all_choices()) {
            CAPTURE(name_of(choice));
            deflate_encoder used(choice);
            std::mt19937_64 r(5);
            for (int i = 0; i < 12; ++i) {
                bytes const data = make(all_kinds[r() % std::size(all_kinds)], r() % 200000, r());
                deflate_encoder fresh(choice);
                CHECK(entry_of(used, data) == entry_of(fresh, data));
                deflate_encoder fresh_too(choice);
                CHECK(segment_of(used, data) == segment_of(fresh_too, data));
            }
        }
    }

    TEST_CASE("the bytes do not depend on where input and output lie") {
        for (deflate_choice const choice : all_choices()) {
            CAPTURE(name_of(choice));
            deflate_encoder encoder(choice);
            bytes const data = make(kind::mixed, 150000, 3);
            bytes const expected = entry_of(encoder, data);
            for (std::size_t shift = 1; shift < 65; shift += 7) {
                bytes shifted(shift);
                append(shifted, data);
                bytes out(deflate_encoder::bound(data.size()) + shift);
                std::size_t const n =
                    encoder.compress(std::span(shifted).subspan(shift), std::span(out).subspan(shift));
                CHECK(std::ranges::equal(std::span(out).subspan(shift, n), expected));
            }
        }
    }

    TEST_CASE("an output below the bound gives the same bytes or none") {
        for (deflate_choice const choice : all_choices()) {
            bool const slow = choice.engine == deflate_engine::libdeflate && choice.engine_level >= 10;
            CAPTURE(name_of(choice));
            deflate_encoder encoder(choice);
            for (kind const k : {kind::zeros, kind::text, kind::random, kind::mixed, kind::binary}) {
                for (std::size_t const size : {40U, 900U, 3000U, slow ? 4000U : 20000U}) {
                    bytes const data = make(k, size, 17);
                    bytes const expected = entry_of(encoder, data);
                    std::size_t const near = expected.size() < 100 ? 0 : expected.size() - 100;
                    for (std::size_t room = near; room < expected.size() + 100; ++room) {
                        guarded out(room);
                        std::size_t const n = encoder.compress(data, out.span());
                        REQUIRE(out.intact());
                        if (n != 0) REQUIRE(std::ranges::equal(out.span().first(n), expected));
                        bool const compressed = expected.size() < size;
                        if (compressed && room >= expected.size() + 64) REQUIRE(n != 0);
                        if (compressed && size <= 1024 && room >= expected.size()) REQUIRE(n != 0);
                    }
                }
            }
        }
    }

    TEST_CASE("an output above the bound changes nothing") {
        for (deflate_choice const choice : all_choices()) {
            CAPTURE(name_of(choice));
            deflate_encoder encoder(choice);
            for (kind const k : all_kinds) {
                bytes const data = make(k, 3000, 17);
                bytes const expected = entry_of(encoder, data);
                bytes out(2 * deflate_encoder::bound(data.size()));
                std::size_t const n = encoder.compress(data, out);
                CHECK(std::ranges::equal(std::span(out).first(n), expected));
            }
        }
    }

    TEST_CASE("a segment that does not compress takes stored blocks and nothing more") {
        for (deflate_choice const choice : all_choices()) {
            deflate_encoder encoder(choice);
            for (std::size_t const size : {1U, 1000U, 65535U, 65536U, 1048576U}) {
                CHECK(segment_of(encoder, make(kind::random, size, size)).size() == stored_size(size));
            }
        }
    }

    TEST_CASE("compressible bytes among random ones are still found in a segment") {
        bytes data = make(kind::random, 600000, 1);
        append(data, make(kind::text, 448576, 2));
        deflate_encoder encoder(6, true, deflate_use::segment);
        CHECK(segment_of(encoder, data).size() < 900000);
    }

    TEST_CASE("one byte repeated has the same stream at every level, valid at every length") {
        deflate_encoder first(1, false, deflate_use::entry);
        deflate_encoder last(9, true, deflate_use::segment);
        for (std::size_t size = 1000; size < 1900; ++size) {
            bytes const data(size, static_cast<std::byte>(size));
            bytes const stream = entry_of(first, data);
            CHECK(gives_back(stream, data));
            bytes segment = segment_of(last, data);
            append(segment, segment_of(first, data));
            append(segment, deflate_end);
            bytes twice = data;
            append(twice, data);
            CHECK(gives_back(segment, twice));
            if (size >= 1024) CHECK(stream == entry_of(last, data));
        }
        for (unsigned value = 0; value < 256; ++value) {
            bytes const data(70000 + value, static_cast<std::byte>(value));
            CHECK(gives_back(entry_of(first, data), data));
            CHECK(entry_of(first, data).size() <= data.size() / 1000 + 32);
        }
    }

    TEST_CASE("a segment needs its bound") {
        deflate_encoder encoder(6, false, deflate_use::segment);
        bytes const data = make(kind::text, 5000, 1);
        bytes out(deflate_encoder::segment_bound(data.size()) - 1);
        CHECK(encoder.compress_segment(data, out) == 0);
    }

    TEST_CASE("reproducible levels are served by libdeflate") {
        for (deflate_use const use : {deflate_use::entry, deflate_use::segment}) {
            for (int level = 1; level <= 9; ++level) {
                CHECK(deflate_choice_for(level, true, use).engine == deflate_engine::libdeflate);
                if (!isal_encoder::available()) {
                    CHECK(deflate_choice_for(level, false, use).engine == deflate_engine::libdeflate);
                }
            }
        }
    }
}

}  // namespace submitit::codec
