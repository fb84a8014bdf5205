// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace download {

/// The part of a representation that is sent.
struct byte_range {
    std::uint64_t first = 0;
    std::uint64_t bytes = 0;
    unsigned status = 200;  ///< 206: a part; 416: none of it can be
};

/// What a request's Range and If-Range ask of `whole` bytes whose strong validator is `etag` (RFC 9110, section 14). Anything but
/// one range of bytes is answered with the whole, which is always allowed.
[[nodiscard]] byte_range choose_range(std::string_view range, std::string_view if_range, std::string_view etag,
                                      std::uint64_t whole) noexcept;

/// Whether If-None-Match names `etag`, weakly compared.
[[nodiscard]] bool names_etag(std::string_view if_none_match, std::string_view etag) noexcept;

}  // namespace download
