// SPDX-License-Identifier: Apache-2.0
#include "cli/json_text.hpp"

#include <cstdint>
#include <string>

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

}  // namespace submitit::cli
