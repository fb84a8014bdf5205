// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "archive/attributes.hpp"
#include "archive/encoder.hpp"

namespace submitit::archive::tar {

/// Turns a slab of tar stream into archive bytes in place: compresses into the worker's scratch memory and copies the
/// result back over the slab. Returns the bytes of the result, 0 on failure.
class compressor {
public:
    compressor() = default;
    compressor(compressor const&) = delete;
    compressor& operator=(compressor const&) = delete;
    virtual ~compressor() = default;
    [[nodiscard]] virtual std::size_t compress(std::span<std::byte> slab, std::size_t raw_bytes) = 0;
};

/// Ticket -> tar stream (POSIX pax) in the slab -> `with` it, when not null, compressed. `checksum`: CRC-32 of the tar
/// stream for gzip.
[[nodiscard]] std::unique_ptr<encoder> make_encoder(attribute_options const& options, std::unique_ptr<compressor> with,
                                                    bool checksum);

}  // namespace submitit::archive::tar
