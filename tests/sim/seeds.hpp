// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>

namespace submitit::sim {

/// SUBMITIT_SIM_<NAME> as a number.
[[nodiscard]] inline std::optional<std::uint64_t> asked_for(char const* name) {
    auto const* const text = std::getenv((std::string{"SUBMITIT_SIM_"} + name).c_str());
    if (text == nullptr || *text == '\0') return std::nullopt;
    return std::strtoull(text, nullptr, 10);
}

/// Seeds 1 to `usual`, or as many as SUBMITIT_SIM_SEEDS says, or the one of SUBMITIT_SIM_SEED.
struct seed_range {
    std::uint64_t first = 1;
    std::uint64_t last;

    explicit seed_range(std::uint64_t usual) : last{asked_for("SEEDS").value_or(usual)} {
        if (auto const one = asked_for("SEED")) first = last = *one;
    }
};

}  // namespace submitit::sim
