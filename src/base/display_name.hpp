// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace submitit {

/// `name` made safe for a terminal, a log or a progress line: what is_control_point() names, backslash, and every byte
/// that is not valid UTF-8 become \xNN, byte by byte (a backslash becomes two). The only function that may put a file name
/// in front of a person. The two joiners U+200C and U+200D stay as they are: scripts and emoji are spelled with them.
[[nodiscard]] std::string display_name(std::string_view name);

/// True when every byte belongs to well-formed UTF-8 (no overlong forms, surrogates or values past U+10FFFF).
[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

/// Length in bytes of the well-formed UTF-8 sequence at the start of `text`; 0 when there is none.
[[nodiscard]] std::size_t utf8_sequence_length(std::string_view text) noexcept;

/// The code point of one well-formed sequence, whole.
[[nodiscard]] char32_t utf8_code_point(std::string_view sequence) noexcept;

/// What shows nothing itself but may move a cursor, reverse a line or hide in a name: C0 and C1 controls, DEL, line and
/// paragraph separators, and the format controls U+061C, U+200B-F, U+202A-E, U+2060-9 and U+FEFF.
/// Source: Unicode 15, general categories Cc, Zl, Zp and Cf.
[[nodiscard]] bool is_control_point(char32_t point) noexcept;

}  // namespace submitit
