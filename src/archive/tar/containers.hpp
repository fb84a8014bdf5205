// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "archive/container.hpp"

namespace submitit::archive::tar {

/// Plain tar: payloads one after the other, padded to 10,240 bytes at the end (POSIX pax: blocking factor 20).
[[nodiscard]] std::unique_ptr<container> make_plain_container();

/// One gzip member (RFC 1952) around the deflate segments; no name and no time in its header.
[[nodiscard]] std::unique_ptr<container> make_gzip_container(int level);

/// A zstd frame a ticket, and a seek table (zstd_seekable_compression_format.md) in a skippable frame at the end.
[[nodiscard]] std::unique_ptr<container> make_zstd_container(std::size_t window_bytes);

/// --single-frame: payloads are tar stream, compressed here, in order, by libzstd's own workers.
[[nodiscard]] std::unique_ptr<container> make_single_frame_container(int level, unsigned workers);

}  // namespace submitit::archive::tar
