// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace submitit {

inline constexpr std::uint64_t KiB = 1024;
inline constexpr std::uint64_t MiB = 1024 * KiB;
inline constexpr std::uint64_t GiB = 1024 * MiB;

/// Reads "64MiB", "1G", "512k", "4096": decimal digits, then an optional K, M, G or T (powers of 1024,
/// any case), optionally followed by "iB" or "B". Fails with EINVAL for anything else, ERANGE past 2^63-1.
[[nodiscard]] result<std::uint64_t> parse_size(std::string_view text);

/// "17 B", "3.4 MiB", "1.2 GiB": three significant digits (four from 1000 to 1023), for people.
[[nodiscard]] std::string format_size(std::uint64_t bytes);

/// 78579 -> "78,579".
[[nodiscard]] std::string format_count(std::uint64_t count);

}  // namespace submitit
