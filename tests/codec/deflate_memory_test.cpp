// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <libdeflate.h>

#include <cstdlib>

#include "codec/deflate.hpp"
#include "codec/sample_data.hpp"

namespace submitit::codec {
namespace {

using namespace test;

std::size_t taken = 0;

void* counted_malloc(std::size_t bytes) {
    taken += bytes;
    return std::malloc(bytes);
}

/// libdeflate takes all its memory when a compressor is made, through one hook for the whole process.
struct counting {
    counting() {
        taken = 0;
        libdeflate_set_memory_allocator(counted_malloc, std::free);
    }
    ~counting() { libdeflate_set_memory_allocator(std::malloc, std::free); }
};

}  // namespace

TEST_SUITE("codec/deflate_memory") {
    TEST_CASE("libdeflate takes no more than was booked, and most of it") {
        for (deflate_choice const choice : all_choices()) {
            if (choice.engine != deflate_engine::libdeflate) continue;
            CAPTURE(name_of(choice));
            counting const hook;
            deflate_encoder encoder(choice);
            std::size_t const made = taken;
            bytes const data = make(kind::text, 300000, 1);
            bytes out(deflate_encoder::segment_bound(data.size()));
            CHECK(encoder.compress_segment(data, out) > 0);
            CHECK(taken == made);
            CHECK(taken <= deflate_encoder::context_bytes(choice));
            CHECK(taken >= deflate_encoder::context_bytes(choice) / 2);
        }
    }

    TEST_CASE("no level of the table takes more than 1 MiB") {
        for (int level = 1; level <= 9; ++level) {
            for (bool const reproducible : {false, true}) {
                for (deflate_use const use : {deflate_use::entry, deflate_use::segment}) {
                    CHECK(deflate_encoder::context_bytes(level, reproducible, use) <= 1 << 20);
                }
            }
        }
    }
}

}  // namespace submitit::codec
