// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "archive/tar/encoder.hpp"
#include "codec/deflate.hpp"
#include "codec/zstd.hpp"

namespace submitit::archive::tar {

/// Deflate segments that join into one gzip member (FORMATS: RFC 1951 blocks ending on a byte border).
[[nodiscard]] std::unique_ptr<compressor> make_gzip_compressor(int level, bool reproducible, std::size_t slab_bytes);

/// One independent zstd frame a ticket.
[[nodiscard]] std::unique_ptr<compressor> make_zstd_compressor(int level, std::size_t ticket_bytes,
                                                               std::size_t slab_bytes);

}  // namespace submitit::archive::tar
