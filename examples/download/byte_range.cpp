// SPDX-License-Identifier: Apache-2.0
#include "download/byte_range.hpp"

#include <algorithm>
#include <charconv>

namespace download {
namespace {

/// Digits only; a number too large to hold is as good as any beyond the end.
std::optional<std::uint64_t> number(std::string_view digits) noexcept {
    std::uint64_t value = 0;
    auto const [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (digits.empty() || end != digits.data() + digits.size()) return std::nullopt;
    if (error == std::errc::result_out_of_range) return UINT64_MAX;
    if (error != std::errc{}) return std::nullopt;
    return value;
}

std::string_view trimmed(std::string_view text) noexcept {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

}  // namespace

byte_range choose_range(std::string_view range, std::string_view if_range, std::string_view etag,
                        std::uint64_t whole) noexcept {
    constexpr std::string_view unit = "bytes=";
    byte_range const all{0, whole, 200};
    if (range.empty() || (!if_range.empty() && if_range != etag)) return all;  // also when If-Range is a date
    if (!range.starts_with(unit)) return all;
    auto const one = trimmed(range.substr(unit.size()));
    auto const dash = one.find('-');
    if (dash == std::string_view::npos) return all;
    auto const first = number(one.substr(0, dash));
    auto const last = number(one.substr(dash + 1));
    if (dash == 0) {  // the last so many bytes
        if (!last) return all;
        auto const bytes = std::min(*last, whole);
        return bytes == 0 ? byte_range{0, 0, 416} : byte_range{whole - bytes, bytes, 206};
    }
    if (!first || (!last && dash + 1 != one.size()) || (last && *last < *first)) return all;
    if (*first >= whole) return {0, 0, 416};
    return {*first, std::min(last.value_or(whole - 1), whole - 1) - *first + 1, 206};
}

bool names_etag(std::string_view if_none_match, std::string_view etag) noexcept {
    while (!if_none_match.empty()) {
        auto const comma = if_none_match.find(',');
        auto one = trimmed(if_none_match.substr(0, comma));
        if (one.starts_with("W/")) one.remove_prefix(2);
        if (one == "*" || one == etag) return true;
        if (comma == std::string_view::npos) break;
        if_none_match.remove_prefix(comma + 1);
    }
    return false;
}

}  // namespace download
