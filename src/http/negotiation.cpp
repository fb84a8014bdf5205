// SPDX-License-Identifier: Apache-2.0
#include "http/negotiation.hpp"

#include <algorithm>
#include <string>

namespace submitit::http {
namespace {

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string_view trimmed(std::string_view text) {
    auto const first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// Takes what stands before the next `mark` off `rest`.
std::string_view cut(std::string_view& rest, char mark) {
    auto const at = rest.find(mark);
    auto const front = rest.substr(0, at);
    rest = at == std::string_view::npos ? std::string_view{} : rest.substr(at + 1);
    return trimmed(front);
}

/// RFC 9110, 12.4.2: "0", "0.75", "1.000", in thousandths; what is no such number counts as nothing.
int quality(std::string_view text) {
    if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1') || (text.size() > 1 && text[1] != '.'))
        return 0;
    int value = (text[0] - '0') * 1000;
    int unit = 100;
    for (char const c : text.substr(std::min<std::size_t>(text.size(), 2))) {
        if (c < '0' || c > '9') return 0;
        value += (c - '0') * unit;
        unit /= 10;
    }
    return std::min(value, 1000);
}

}  // namespace

metrics_format preferred_format(std::string_view accept) {
    int open = 0;
    int plain = 0;
    while (!accept.empty()) {
        auto range = cut(accept, ',');
        auto const type = cut(range, ';');
        int weight = 1000;
        bool known = true;
        while (!range.empty()) {
            auto parameter = cut(range, ';');
            auto const name = cut(parameter, '=');
            if (equal_ignoring_case(name, "q")) weight = quality(parameter);
            if (equal_ignoring_case(name, "version"))
                known = parameter == "1.0.0" || parameter == "0.0.1" || parameter == "0.0.4";
        }
        if (!known) continue;
        if (equal_ignoring_case(type, "application/openmetrics-text")) open = std::max(open, weight);
        if (equal_ignoring_case(type, "text/plain")) plain = std::max(plain, weight);
    }
    return open > 0 && open >= plain ? metrics_format::openmetrics : metrics_format::prometheus;
}

bool equal_in_constant_time(std::string_view left, std::string_view right) noexcept {
    unsigned difference = left.size() == right.size() ? 0 : 1;
    for (std::size_t i = 0; i < left.size(); ++i) {
        auto const other = right.empty() ? 0U : static_cast<unsigned char>(right[i % right.size()]);
        difference |= static_cast<unsigned char>(left[i]) ^ other;
    }
    return difference == 0;
}

bool equal_ignoring_case(std::string_view left, std::string_view right) noexcept {
    return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                      [](char a, char b) { return lower(a) == lower(b); });
}

}  // namespace submitit::http
