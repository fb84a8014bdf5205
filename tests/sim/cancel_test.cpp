// SPDX-License-Identifier: Apache-2.0
// Stops at every point of a run where something else could have happened. More: SUBMITIT_SIM_SEEDS=n; one again:
// SUBMITIT_SIM_SEED=s SUBMITIT_SIM_STEP=k.
#include <doctest/doctest.h>

#include <array>
#include <chrono>

#include "sim/seeds.hpp"
#include "sim/world.hpp"

namespace submitit::sim {
namespace {

constexpr std::array stop_kinds{stop_kind::cancel_all, stop_kind::cancel_one, stop_kind::close_engine};

struct tally {
    std::uint64_t runs = 0;
    std::uint64_t steps = 0;
    std::uint64_t published = 0;
    std::chrono::steady_clock::time_point began = std::chrono::steady_clock::now();

    void tell() const {
        std::chrono::duration<double> const took = std::chrono::steady_clock::now() - began;
        MESSAGE(runs << " runs, " << steps << " steps, " << published << " archives published all the same, "
                     << took.count() << " s");
    }
};

void stop_once(std::uint64_t seed, flavour kind, std::uint64_t at, stop_kind how, std::string const& test, tally& to) {
    world one{seed, kind};
    one.stop_at(at, how);
    auto const wrong = one.run();
    ++to.runs;
    to.steps += one.steps();
    to.published += one.published();
    INFO(wrong << "  again: SUBMITIT_SIM_SEED=" << seed << " SUBMITIT_SIM_STEP=" << at << " sim_test -tc='" << test
               << "'  # " << std::string{to_string(how)});
    REQUIRE(wrong == "");
}

/// The points of the run that is not stopped.
std::uint64_t points_of(std::uint64_t seed, flavour kind) {
    world one{seed, kind};
    CAPTURE(seed);
    REQUIRE(one.run() == "");
    return one.points();
}

constexpr std::array pause_kinds{stop_kind::pause, stop_kind::pause_and_end};

template <class Kinds>
void stop_everywhere(flavour kind, std::string const& test, std::uint64_t usual, Kinds const& kinds) {
    seed_range const seeds{usual};
    tally all;
    for (auto seed = seeds.first; seed <= seeds.last; ++seed) {
        auto const points = points_of(seed, kind);
        for (std::uint64_t at = 0; at <= points; ++at) {
            if (auto const only = asked_for("STEP"); only && *only != at) continue;
            for (auto const how : kinds) stop_once(seed, kind, at, how, test, all);
        }
    }
    all.tell();
}

}  // namespace

TEST_SUITE("sim/stop") {
    TEST_CASE("a stop at any point of a small run ends it, leaves nothing, and publishes the whole or nothing") {
        stop_everywhere(flavour::tiny, "a stop at any point of*", 22, stop_kinds);
    }

    TEST_CASE("a stop at any point ends also jobs whose consumers take nothing any more") {
        stop_everywhere(flavour::dead, "a stop at any point ends*", 25, stop_kinds);
    }

    TEST_CASE("a pause at any point of a small run changes nothing but the time, and a paused run can be ended") {
        stop_everywhere(flavour::tiny, "a pause at any point*", 22, pause_kinds);
    }

    TEST_CASE("a pause at some points of a run of many tickets") {
        seed_range const seeds{80};
        tally all;
        for (auto seed = seeds.first; seed <= seeds.last; ++seed) {
            auto const points = points_of(seed, flavour::calm);
            std::mt19937_64 random{seed};
            for (int i = 0; i < 6; ++i) {
                auto const at = asked_for("STEP").value_or(random() % (points + 1));
                stop_once(seed, flavour::calm, at, pause_kinds[static_cast<std::size_t>(i) % 2], "a pause at some*",
                          all);
            }
        }
        all.tell();
    }

    TEST_CASE("a stop at some points of a run in which things fail") {
        seed_range const seeds{120};
        tally all;
        for (auto seed = seeds.first; seed <= seeds.last; ++seed) {
            auto const points = points_of(seed, flavour::stormy);
            std::mt19937_64 random{seed};
            for (int i = 0; i < 10; ++i) {
                auto const at = asked_for("STEP").value_or(random() % (points + 1));
                stop_once(seed, flavour::stormy, at, stop_kinds[static_cast<std::size_t>(i) % 3], "a stop at some*",
                          all);
            }
        }
        all.tell();
    }
}

}  // namespace submitit::sim
