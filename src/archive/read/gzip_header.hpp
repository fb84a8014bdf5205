// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace submitit::archive::reader {

/// The header of one gzip member. Source: RFC 1952 2.3; SAM/BAM specification 4.1 for BGZF.
struct gzip_header {
    enum class state { complete, needs_more, malformed };
    state read = state::needs_more;
    std::string_view why;                            ///< when malformed
    std::size_t bytes = 0;                           ///< of the header, when complete
    std::optional<std::uint64_t> bgzf_member_bytes;  ///< the whole member's size, from a "BC" subfield
};

[[nodiscard]] gzip_header parse_gzip_header(std::span<std::byte const> bytes) noexcept;

}  // namespace submitit::archive::reader
