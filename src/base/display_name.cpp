// SPDX-License-Identifier: Apache-2.0
#include "base/display_name.hpp"

#include <cstdint>

namespace submitit {
namespace {

std::uint8_t byte_at(std::string_view text, std::size_t i) noexcept { return static_cast<std::uint8_t>(text[i]); }

bool is_continuation(std::string_view text, std::size_t i) noexcept {
    return i < text.size() && (byte_at(text, i) & 0xC0U) == 0x80U;
}

bool is_unsafe(char32_t point) noexcept {
    bool const joins = point == 0x200C || point == 0x200D;
    return point == U'\\' || (is_control_point(point) && !joins);
}

}  // namespace

std::size_t utf8_sequence_length(std::string_view text) noexcept {
    if (text.empty()) return 0;
    auto const lead = byte_at(text, 0);
    if (lead < 0x80) return 1;
    if (lead >= 0xC2 && lead <= 0xDF) return is_continuation(text, 1) ? 2 : 0;
    if (lead >= 0xE0 && lead <= 0xEF) {
        if (!is_continuation(text, 1) || !is_continuation(text, 2)) return 0;
        auto const second = byte_at(text, 1);
        if (lead == 0xE0 && second < 0xA0) return 0;
        if (lead == 0xED && second > 0x9F) return 0;
        return 3;
    }
    if (lead >= 0xF0 && lead <= 0xF4) {
        if (!is_continuation(text, 1) || !is_continuation(text, 2) || !is_continuation(text, 3)) return 0;
        auto const second = byte_at(text, 1);
        if (lead == 0xF0 && second < 0x90) return 0;
        if (lead == 0xF4 && second > 0x8F) return 0;
        return 4;
    }
    return 0;
}

char32_t utf8_code_point(std::string_view sequence) noexcept {
    if (sequence.size() == 1) return byte_at(sequence, 0);
    char32_t point = byte_at(sequence, 0) & (0x7FU >> sequence.size());
    for (std::size_t i = 1; i < sequence.size(); ++i) point = (point << 6U) | (byte_at(sequence, i) & 0x3FU);
    return point;
}

bool is_control_point(char32_t point) noexcept {
    return point < 0x20 || (point >= 0x7F && point <= 0x9F) || point == 0x061C ||
           (point >= 0x200B && point <= 0x200F) || (point >= 0x2028 && point <= 0x202E) ||
           (point >= 0x2060 && point <= 0x2069) || point == 0xFEFF;
}

bool is_utf8(std::string_view text) noexcept {
    while (!text.empty()) {
        auto const length = utf8_sequence_length(text);
        if (length == 0) return false;
        text.remove_prefix(length);
    }
    return true;
}

std::string display_name(std::string_view name) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string shown;
    shown.reserve(name.size());
    while (!name.empty()) {
        auto length = utf8_sequence_length(name);
        bool const unsafe = length == 0 || is_unsafe(utf8_code_point(name.substr(0, length)));
        if (length == 0) length = 1;
        for (std::size_t i = 0; i < length; ++i) {
            if (!unsafe) {
                shown += name[i];
            } else if (name[i] == '\\') {
                shown += "\\\\";
            } else {
                shown += "\\x";
                shown += digits[byte_at(name, i) >> 4U];
                shown += digits[byte_at(name, i) & 0xFU];
            }
        }
        name.remove_prefix(length);
    }
    return shown;
}

}  // namespace submitit
