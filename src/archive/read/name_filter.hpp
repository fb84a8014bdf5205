// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

namespace submitit::archive::reader {

/// A set of names in 1 MiB, however many they are (a Bloom filter): one that was added is always found; of those that were
/// not, none in 100,000 is found among 100,000 names, 2 % among a million.
class name_filter {
public:
    void add(std::string_view name) {
        for (auto const place : places_of(name)) bits_->set(place);
    }
    [[nodiscard]] bool may_have(std::string_view name) const {
        auto const places = places_of(name);
        return std::ranges::all_of(places, [this](std::size_t place) { return bits_->test(place); });
    }

private:
    static constexpr std::size_t bit_count = std::size_t{8} << 20U;

    static std::array<std::size_t, 4> places_of(std::string_view name) {
        std::uint64_t const hash = std::hash<std::string_view>{}(name);
        auto const step = (hash >> 32U) | 1U;
        return {hash % bit_count, (hash + step) % bit_count, (hash + 2 * step) % bit_count,
                (hash + 3 * step) % bit_count};
    }

    std::unique_ptr<std::bitset<bit_count>> bits_ = std::make_unique<std::bitset<bit_count>>();
};

}  // namespace submitit::archive::reader
