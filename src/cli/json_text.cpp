// SPDX-License-Identifier: Apache-2.0
#include "cli/json_text.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>

#include <boost/json/serialize.hpp>

#include "base/display_name.hpp"

namespace submitit::cli {
namespace {

/// RFC 4648, section 4.
std::string base64(std::string_view bytes) {
    static constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        std::uint32_t group = 0;
        for (std::size_t k = 0; k < 3; ++k)
            group = group << 8U | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0U);
        for (std::size_t k = 0; k < 4; ++k) text += i + k <= bytes.size() ? alphabet[group >> (18 - 6 * k) & 63U] : '=';
    }
    return text;
}

}  // namespace

void put_name(boost::json::object& object, std::string_view key, std::string_view name) {
    if (is_utf8(name)) {
        object[key] = name;
        return;
    }
    object[key] = display_name(name);
    object[std::string{key} + "_base64"] = base64(name);
}

std::string json_line(boost::json::object const& object) {
    auto const plain = boost::json::serialize(object);
    std::string line;
    line.reserve(plain.size() + 1);
    for (std::string_view rest{plain}; !rest.empty();) {
        auto const length = utf8_sequence_length(rest);
        auto const point = length != 0 ? utf8_code_point(rest.substr(0, length)) : U'\uFFFD';
        if (length == 0 || is_control_point(point)) {
            std::array<char, 8> escape{};
            std::snprintf(escape.data(), escape.size(), "\\u%04x", static_cast<unsigned>(point) & 0xFFFFU);
            line += escape.data();
        } else {
            line += rest.substr(0, length);
        }
        rest.remove_prefix(std::max<std::size_t>(length, 1));
    }
    return line + '\n';
}

}  // namespace submitit::cli
