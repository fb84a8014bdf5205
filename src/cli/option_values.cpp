// SPDX-License-Identifier: Apache-2.0
#include "cli/option_values.hpp"

#include <charconv>

#include "base/display_name.hpp"
#include "base/sizes.hpp"
#include "cli/exit_status.hpp"

namespace submitit::cli {

CLI::Validator not_empty() {
    return CLI::Validator{[](std::string& value) {
                              return value.empty() ? std::string{"must not be empty: give a value, or leave it out"}
                                                   : std::string{};
                          },
                          ""};
}

CLI::Validator one_of(std::vector<std::string> const& known) {
    return CLI::Validator{[known](std::string& value) {
                              std::string all;
                              for (auto const& one : known) {
                                  if (one == value) return std::string{};
                                  if (!all.empty()) all += &one == &known.back() ? " or " : ", ";
                                  all += one;
                              }
                              return "'" + value + "' is not known: use " + all;
                          },
                          ""};
}

CLI::Validator whole_number(unsigned least, unsigned most) {
    return CLI::Validator{[least, most](std::string& value) {
                              unsigned number = 0;
                              auto const* const end = value.data() + value.size();
                              auto const [stop, error] = std::from_chars(value.data(), end, number);
                              if (error == std::errc{} && stop == end && number >= least && number <= most)
                                  return std::string{};
                              return "'" + value + "' is not among the numbers it takes: use " + std::to_string(least) +
                                     " to " + std::to_string(most);
                          },
                          ""};
}

std::optional<refusal> parse_memory(std::string const& text, std::uint64_t& bytes) {
    if (text.empty()) return std::nullopt;
    auto const parsed = parse_size(text);
    if (!parsed || *parsed == 0)
        return refusal{usage, "-m '" + display_name(text) + "' is no size: write it as 64MiB, 1G or a number of bytes"};
    bytes = *parsed;
    return std::nullopt;
}

}  // namespace submitit::cli
