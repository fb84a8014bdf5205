// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "base/check.hpp"
#include "codec/deflate.hpp"
#include "codec/isal_encoder.hpp"

namespace submitit::codec {
namespace {

using table = std::array<deflate_choice, 9>;
constexpr deflate_choice isal(int level) { return {deflate_engine::isal, level}; }
constexpr deflate_choice ld(int level) { return {deflate_engine::libdeflate, level}; }

constexpr table entry_levels{isal(1), isal(2), ld(2), ld(2), ld(3), ld(3), ld(6), ld(8), ld(9)};
constexpr table segment_levels{isal(2), isal(3), ld(2), ld(3), ld(4), ld(6), ld(7), ld(8), ld(9)};
constexpr table entry_levels_libdeflate{ld(1), ld(1), ld(2), ld(2), ld(3), ld(3), ld(6), ld(8), ld(9)};
constexpr table segment_levels_libdeflate{ld(1), ld(1), ld(2), ld(3), ld(4), ld(6), ld(7), ld(8), ld(9)};

}  // namespace

deflate_choice deflate_choice_for(int level, bool reproducible, deflate_use use) noexcept {
    SUBMITIT_CHECK(level >= 1 && level <= 9);
    bool const any_engine = !reproducible && isal_encoder::available();
    table const& levels = use == deflate_use::entry ? (any_engine ? entry_levels : entry_levels_libdeflate)
                                                    : (any_engine ? segment_levels : segment_levels_libdeflate);
    return levels[static_cast<std::size_t>(level - 1)];
}

}  // namespace submitit::codec
