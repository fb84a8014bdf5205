// SPDX-License-Identifier: Apache-2.0
#include "codec/compressible.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <string>

#include "codec/sample_data.hpp"

namespace submitit::codec {
namespace {

using namespace test;

std::span<std::byte const> head(std::string_view text) { return std::as_bytes(std::span(text)); }

/// What deflate really makes of it, as a share of the input.
double deflated_share(bytes const& data) {
    return static_cast<double>(zlib_deflate(data, 6, 0).size()) / static_cast<double>(data.size());
}

}  // namespace

TEST_SUITE("codec/compressible") {
    TEST_CASE("extensions of compressed kinds are known in any case, others are not") {
        for (char const* name : {"a.jpg", "A.JPEG", "x/y.Mp4", "b.tar.gz", "c.zst", "report.docx", "p.7z", "lib.jar",
                                 "w.whl", "i.heic", "image.squashfs", "d.XZ"}) {
            CAPTURE(name);
            CHECK(has_compressed_extension(name));
        }
        for (char const* name : {"", ".", "gz", "a.gz/b", ".jpg", "dir/.zip", "a.", "a.c", "a.txt", "a.gzip.c", "a.tar",
                                 "zip.notes", "a.squashfsx", "a.bmp", "a.wav", "a.pdf", "a.ts"}) {
            CAPTURE(name);
            CHECK_FALSE(has_compressed_extension(name));
        }
    }

    TEST_CASE("signatures of compressed kinds are known") {
        using namespace std::string_view_literals;
        for (auto const text : {"\x1F\x8B\x08\0\0"sv, "PK\x03\x04...."sv, "\x28\xB5\x2F\xFD..."sv,
                                "\xFD"
                                "7zXZ\0"sv,
                                "\xFF\xD8\xFF\xE0"sv, "\x89PNG\x0D\x0A\x1A\x0A"sv, "BZh91AY&SY"sv,
                                "\0\0\0\x18"
                                "ftypmp42"sv,
                                "RIFF....WEBPVP8 "sv, "7z\xBC\xAF\x27\x1C"sv, "ID3\x04"sv, "GIF89a"sv}) {
            CAPTURE(text);
            CHECK(has_compressed_magic(head(text)));
        }
        for (auto const text :
             {""sv, "P"sv, "PK"sv, "\x1F\x8B"sv, "BZh"sv, "BZhello, wo"sv, "ID3 tags"sv, "#!/bin/sh"sv,
              "\x7F"
              "ELF"sv,
              "RIFF....WAVEfmt "sv, "GIF is a format"sv}) {
            CAPTURE(text);
            CHECK_FALSE(has_compressed_magic(head(text)));
        }
    }

    TEST_CASE("random bytes do not look compressible, everything else does") {
        for (std::size_t const size : {4096U, 10000U, 100000U, 1048576U}) {
            for (kind const k : all_kinds) {
                if (k == kind::mixed) continue;  // may be random in all three places
                CAPTURE(size);
                CAPTURE(name_of(k));
                CHECK(looks_compressible(make(k, size, size)) == (k != kind::random));
                CHECK(segment_looks_compressible(make(k, size, size)) == (k != kind::random));
            }
        }
    }

    TEST_CASE("small random inputs are not all taken for compressible") {
        for (std::size_t const size : {512U, 1024U, 2048U})
            CHECK_FALSE(looks_compressible(make(kind::random, size, size)));
    }

    TEST_CASE("below 64 bytes everything counts as compressible") {
        CHECK(looks_compressible({}));
        CHECK(looks_compressible(make(kind::random, 63, 1)));
    }

    TEST_CASE("deflate's output does not look compressible") {
        bytes const packed = zlib_deflate(make(kind::text, 400000, 3), 6, 0);
        CHECK_FALSE(looks_compressible(packed));
        CHECK_FALSE(segment_looks_compressible(packed));
    }

    TEST_CASE("repetition is seen where byte statistics are flat") {
        bytes data = make(kind::random, 1000, 9);
        while (data.size() < 200000) data.insert(data.end(), data.begin(), data.begin() + 1000);
        CHECK(looks_compressible(data));
    }

    TEST_CASE("the verdict agrees with deflate wherever that is clear") {
        // Random bytes with a share of zeros mixed in: what deflate saves falls steadily with the share.
        for (int percent = 0; percent <= 30; percent += 2) {
            std::mt19937_64 r(static_cast<unsigned>(percent) + 1);
            bytes data(60000);
            for (std::byte& b : data)
                b = r() % 100 < static_cast<unsigned>(percent) ? std::byte{0} : static_cast<std::byte>(r());
            double const share = deflated_share(data);
            CAPTURE(share);
            if (share < 0.95) CHECK(looks_compressible(data));
            if (share > 0.99) CHECK_FALSE(looks_compressible(data));
        }
    }

    TEST_CASE("one compressible place is enough in a segment, not in an entry") {
        bytes data = make(kind::random, 1 << 20, 2);
        bytes const text = make(kind::text, 4096, 2);
        std::copy(text.begin(), text.end(), data.begin() + 5 * 65536);
        CHECK(segment_looks_compressible(data));
        CHECK_FALSE(looks_compressible(data));
    }
}

}  // namespace submitit::codec
