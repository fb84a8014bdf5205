// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace submitit::http {

inline constexpr std::size_t token_bytes_min = 16;

/// 16 to 512 visible ASCII characters.
[[nodiscard]] bool is_token(std::string_view text) noexcept;

/// The token that stands in the file, without the white space around it. A file that is not there is made, with mode 0600 and a random
/// token of 256 bits. Fails with EACCES where others than the owner may read or write it, EINVAL where it is too short,
/// too long or not of visible ASCII characters.
[[nodiscard]] result<std::string> read_or_make_token(std::string const& path);

/// The same, but a file must be there.
[[nodiscard]] result<std::string> read_token(std::string const& path);

}  // namespace submitit::http
