// SPDX-License-Identifier: Apache-2.0
// Whole exports under schedules that a seed makes. More of them: SUBMITIT_SIM_SEEDS=n; one again: SUBMITIT_SIM_SEED=s.
#include <doctest/doctest.h>

#include <chrono>

#include "sim/seeds.hpp"
#include "sim/world.hpp"

namespace submitit::sim {
namespace {

void run_seeds(flavour kind, std::string const& test, std::uint64_t usual) {
    seed_range const seeds{usual};
    std::uint64_t runs = 0;
    std::uint64_t jobs = 0;
    std::uint64_t published = 0;
    std::uint64_t steps = 0;
    std::uint64_t faults = 0;
    auto const began = std::chrono::steady_clock::now();
    for (auto seed = seeds.first; seed <= seeds.last; ++seed) {
        world one{seed, kind};
        auto const wrong = one.run();
        ++runs;
        jobs += one.jobs();
        published += one.published();
        steps += one.steps();
        faults += one.faults();
        INFO(wrong << "  again: SUBMITIT_SIM_SEED=" << seed << " sim_test -tc='" << test << "'");
        REQUIRE(wrong == "");
    }
    std::chrono::duration<double> const took = std::chrono::steady_clock::now() - began;
    MESSAGE(runs << " runs, " << jobs << " jobs of which " << published << " published, " << steps << " steps, "
                 << faults << " faults, " << took.count() << " s");
}

}  // namespace

TEST_SUITE("sim/schedule") {
    TEST_CASE("whatever the order of things, an archive has the same bytes and nothing is left behind") {
        run_seeds(flavour::calm, "whatever the order*", 200);
    }

    TEST_CASE("whatever fails, an archive is whole and told of, or not published, and nothing is left behind") {
        run_seeds(flavour::stormy, "whatever fails*", 500);
    }
}

}  // namespace submitit::sim
