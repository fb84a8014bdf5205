// SPDX-License-Identifier: Apache-2.0
#include "base/sizes.hpp"

#include <array>
#include <charconv>
#include <cstdio>
#include <limits>

namespace submitit {

result<std::uint64_t> parse_size(std::string_view text) {
    std::uint64_t number = 0;
    auto const* const end = text.data() + text.size();
    auto const [stop, error] = std::from_chars(text.data(), end, number);
    if (error == std::errc::result_out_of_range) return from_errno(ERANGE);
    if (error != std::errc{}) return from_errno(EINVAL);
    std::string_view suffix{stop, static_cast<std::size_t>(end - stop)};
    unsigned shift = 0;
    if (!suffix.empty()) {
        switch (suffix.front()) {
            case 'k':
            case 'K': shift = 10; break;
            case 'm':
            case 'M': shift = 20; break;
            case 'g':
            case 'G': shift = 30; break;
            case 't':
            case 'T': shift = 40; break;
            default: break;
        }
        if (shift != 0) suffix.remove_prefix(1);
        bool const known = suffix.empty() || suffix == "B" || suffix == "b" ||
                           (shift != 0 && (suffix == "iB" || suffix == "ib" || suffix == "i"));
        if (!known) return from_errno(EINVAL);
    }
    if (number > (static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) >> shift))
        return from_errno(ERANGE);
    return number << shift;
}

std::string format_size(std::uint64_t bytes) {
    if (bytes < KiB) return std::to_string(bytes) + " B";
    static constexpr std::array units{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    auto value = static_cast<double>(bytes) / 1024.0;
    std::size_t unit = 0;
    while (value >= 1023.5) {  // what would be rounded to 1024; 2^64 bytes are 16 EiB, so there is a unit left
        value /= 1024.0;
        ++unit;
    }
    std::array<char, 32> text{};
    int const digits = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
    std::snprintf(text.data(), text.size(), "%.*f %s", digits, value, units[unit]);
    return text.data();
}

std::string format_count(std::uint64_t count) {
    auto text = std::to_string(count);
    for (auto at = static_cast<std::ptrdiff_t>(text.size()) - 3; at > 0; at -= 3)
        text.insert(static_cast<std::size_t>(at), 1, ',');
    return text;
}

}  // namespace submitit
