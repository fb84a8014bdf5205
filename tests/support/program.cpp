// SPDX-License-Identifier: Apache-2.0
#include "support/program.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <cstdlib>

namespace submitit::testing {

std::string const& program_path() {
    static std::string const path = [] {
        char const* const named = std::getenv("SUBMITIT_IO");
        return std::string{named != nullptr ? named : ""};
    }();
    INFO("SUBMITIT_IO names the program under test; `meson test` sets it");
    REQUIRE(!path.empty());
    return path;
}

command program(std::vector<std::string> arguments, command with) {
    with.argv = std::move(arguments);
    with.argv.insert(with.argv.begin(), program_path());
    return with;
}

outcome submitit(std::vector<std::string> arguments, command with) {
    return run(program(std::move(arguments), std::move(with)));
}

outcome export_to(std::string const& output, std::vector<std::string> arguments, command with) {
    arguments.insert(arguments.begin(), {"export", "-o", output});
    return submitit(std::move(arguments), std::move(with));
}

boost::json::object json_of(std::string_view text) {
    boost::system::error_code error;
    auto const parsed = boost::json::parse(boost::json::string_view{text.data(), text.size()}, error);
    INFO("as JSON: ", std::string{text});
    REQUIRE(!error);
    REQUIRE(parsed.is_object());
    return parsed.as_object();
}

namespace {

boost::json::value const& find(boost::json::object const& in, std::vector<std::string_view> const& keys) {
    boost::json::value const* at = nullptr;
    for (auto const key : keys) {
        INFO("key: ", std::string{key});
        auto const& object = at != nullptr ? at->as_object() : in;
        at = object.if_contains(boost::json::string_view{key.data(), key.size()});
        REQUIRE(at != nullptr);
    }
    return *at;
}

}  // namespace

std::uint64_t number(boost::json::object const& in, std::vector<std::string_view> const& keys) {
    return find(in, keys).to_number<std::uint64_t>();
}

std::string text(boost::json::object const& in, std::vector<std::string_view> const& keys) {
    auto const& found = find(in, keys);
    REQUIRE(found.is_string());
    return {found.as_string().begin(), found.as_string().end()};
}

std::vector<std::string> lines_of(std::string_view text) {
    std::vector<std::string> lines;
    while (!text.empty()) {
        auto const end = text.find('\n');
        lines.emplace_back(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return lines;
}

std::size_t lines_with(std::string_view text, std::string_view word) {
    auto const lines = lines_of(text);
    return static_cast<std::size_t>(
        std::count_if(lines.begin(), lines.end(), [&](auto const& line) { return contains(line, word); }));
}

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

}  // namespace submitit::testing
