// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "cli/refusal.hpp"

/// What options take, for the declarations of several commands.
namespace submitit::cli {

/// An unset shell variable in a command line must not fall back to a default.
[[nodiscard]] CLI::Validator not_empty();
[[nodiscard]] CLI::Validator one_of(std::vector<std::string> const& known);
/// Decimal digits, `least` to `most`.
[[nodiscard]] CLI::Validator whole_number(unsigned least, unsigned most);

/// -m SIZE in bytes. Leaves `bytes` alone when `text` is empty.
[[nodiscard]] std::optional<refusal> parse_memory(std::string const& text, std::uint64_t& bytes);

}  // namespace submitit::cli
