// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "archive/attributes.hpp"
#include "walk/entry.hpp"

namespace submitit::archive::tar {

inline constexpr std::size_t block_bytes = 512;

[[nodiscard]] constexpr std::uint64_t padded(std::uint64_t bytes) noexcept {
    return (bytes + block_bytes - 1) / block_bytes * block_bytes;
}

/// Bytes write_header() will write: 512, or more where a pax extended header is needed.
[[nodiscard]] std::size_t header_bytes(walk::entry const& entry, std::uint64_t size, attribute_options const& options);

/// Writes the entry's header blocks to `out` (at least header_bytes() long); returns their size. `size` is the length of
/// the content that follows, 0 for everything but regular files.
///
/// Source: POSIX.1-2017, pax utility: "ustar Interchange Format" and "pax Extended Header". A pax header is written only
/// when ustar cannot hold a value: a long or non-ASCII name, a fraction of a second, a large number, xattrs.
std::size_t write_header(walk::entry const& entry, std::uint64_t size, attribute_options const& options,
                         std::span<std::byte> out);

}  // namespace submitit::archive::tar
