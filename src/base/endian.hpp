// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

/// Little-endian loads and stores at any alignment; compilers turn them into single moves.
namespace submitit {

template <class Integer>
void store_le(std::byte* at, Integer value) noexcept {
    static_assert(std::is_unsigned_v<Integer>);
    for (std::size_t i = 0; i < sizeof value; ++i) at[i] = static_cast<std::byte>((value >> (8 * i)) & 0xFFU);
}

template <class Integer>
[[nodiscard]] Integer load_le(std::byte const* at) noexcept {
    static_assert(std::is_unsigned_v<Integer>);
    Integer value = 0;
    for (std::size_t i = 0; i < sizeof value; ++i)
        value = static_cast<Integer>(value | (static_cast<Integer>(at[i]) << (8 * i)));
    return value;
}

}  // namespace submitit
