// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "download/client_stream.hpp"

namespace download {
namespace {

using namespace std::chrono_literals;
constexpr double rate = 1000;  // bytes a second

/// Takes `bytes` in each of `turns`, which last `turn`.
steady::duration after(std::size_t bytes, steady::duration turn, int turns) {
    patience left{rate, 10s};
    for (int i = 0; i < turns; ++i) {
        left.waited(turn);
        left.took(bytes);
    }
    return left.left();
}

}  // namespace

TEST_SUITE("examples/patience") {
    TEST_CASE("who keeps to the rate never runs out of it, however long and in whatever pieces") {
        CHECK(after(1000, 1s, 100'000) == 10s);
        CHECK(after(5000, 5s, 20'000) == 10s);
        CHECK(after(1, 1ms, 1'000'000) == 10s);
    }
    TEST_CASE("who stands still does after all of it, and who takes half the rate after twice as long") {
        CHECK(after(0, 1s, 9) == 1s);
        CHECK(after(0, 1s, 10) == 0s);
        CHECK(after(500, 1s, 19) == 500ms);
        CHECK(after(500, 1s, 20) == 0s);
    }
    TEST_CASE("nobody saves up more than there was at first") {
        patience left{rate, 10s};
        left.took(1'000'000'000);
        CHECK(left.left() == 10s);
        left.waited(11s);
        CHECK(left.left() < 0s);
    }
}

}  // namespace download
