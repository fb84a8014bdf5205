// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "support/process.hpp"

/// Runs the built program as its users do.
namespace submitit::testing {

/// Where the build put it: $SUBMITIT_IO, which meson sets.
[[nodiscard]] std::string const& program_path();

/// A command line of the program; `with` carries everything but argv.
[[nodiscard]] command program(std::vector<std::string> arguments, command with = {});

/// Runs it to its end.
[[nodiscard]] outcome submitit(std::vector<std::string> arguments, command with = {});

/// "export" first and a name for the output: what most tests want.
[[nodiscard]] outcome export_to(std::string const& output, std::vector<std::string> arguments, command with = {});

/// The JSON object that `text` is; fails the test when it is none.
[[nodiscard]] boost::json::object json_of(std::string_view text);

/// A number of any JSON kind, found by keys: number(o, {"memory", "high_water_bytes"}).
[[nodiscard]] std::uint64_t number(boost::json::object const& in, std::vector<std::string_view> const& keys);
[[nodiscard]] std::string text(boost::json::object const& in, std::vector<std::string_view> const& keys);

/// Lines of `text` that contain `word`.
[[nodiscard]] std::size_t lines_with(std::string_view text, std::string_view word);
[[nodiscard]] std::vector<std::string> lines_of(std::string_view text);
[[nodiscard]] bool contains(std::string_view text, std::string_view part);

/// Every format the program writes, by the suffix that names it.
inline constexpr char const* all_suffixes[] = {".zip", ".tar", ".tar.gz", ".tar.zst"};

}  // namespace submitit::testing
