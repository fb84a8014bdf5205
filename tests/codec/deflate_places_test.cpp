// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "codec/deflate.hpp"
#include "codec/sample_data.hpp"

namespace submitit::codec {
namespace {

using namespace test;

/// Short texts over few letters: many matches near the start.
std::string repetitive(std::mt19937& random) {
    std::string text(9 + random() % 200, 'x');
    auto const letters = 2 + random() % 12;
    for (auto& c : text) c = static_cast<char>('a' + random() % letters);
    return text;
}

std::vector<std::byte> compressed(deflate_encoder& encoder, std::string const& text, bool segment) {
    std::vector<std::byte> out(deflate_encoder::segment_bound(text.size()));
    auto const in = std::as_bytes(std::span{text});
    out.resize(segment ? encoder.compress_segment(in, out) : encoder.compress(in, out));
    return out;
}

}  // namespace

TEST_SUITE("codec/deflate_places") {
    // Symptom: archives of the same tree differed in a few bytes from run to run and with the number of workers. ISA-L's
    // levels 1 and 2 hash their stream's address into its own table; see isal_stream.hpp.
    TEST_CASE("the bytes do not depend on which encoder makes them, nor where it lies in memory") {
        auto const seed = std::random_device{}();
        CAPTURE(seed);
        for (deflate_choice const choice : all_choices()) {
            CAPTURE(name_of(choice));
            std::mt19937 random{seed};
            std::vector<std::unique_ptr<deflate_encoder>> encoders;
            for (int i = 0; i < 8; ++i) encoders.push_back(std::make_unique<deflate_encoder>(choice));
            int different = 0;
            for (int round = 0; round < 3000; ++round) {
                auto const text = repetitive(random);
                bool const segment = random() % 2 != 0;
                auto const first = compressed(*encoders[0], text, segment);
                if (compressed(*encoders[1 + random() % 7], text, segment) != first) ++different;
            }
            CHECK(different == 0);
        }
    }
}

}  // namespace submitit::codec
