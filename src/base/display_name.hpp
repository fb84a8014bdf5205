// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace submitit {

/// `name` made safe for a terminal, a log or a progress line: C0 and C1 controls, DEL, backslash, bidirectional
/// controls (U+200E/F, U+202A-E, U+2066-9), line and paragraph separators, and every byte that is not valid
/// UTF-8 become \xNN, byte by byte (a backslash becomes two). The only function that may put a file name in front of a person.
[[nodiscard]] std::string display_name(std::string_view name);

/// True when every byte belongs to well-formed UTF-8 (no overlong forms, surrogates or values past U+10FFFF).
[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

/// Length in bytes of the well-formed UTF-8 sequence at the start of `text`; 0 when there is none.
[[nodiscard]] std::size_t utf8_sequence_length(std::string_view text) noexcept;

}  // namespace submitit
