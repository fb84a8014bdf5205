// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <zlib.h>

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace submitit::archive::reader {

/// Raw deflate (RFC 1951) decoded by zlib, piece by piece. One context for a whole archive: `start` begins the next
/// stream. 40 KiB plus the output buffer.
class inflate_stream {
public:
    inflate_stream();
    ~inflate_stream();
    inflate_stream(inflate_stream const&) = delete;
    inflate_stream& operator=(inflate_stream const&) = delete;

    void start();

    struct step {
        std::size_t consumed = 0;
        std::span<std::byte const> out;  ///< valid until the next call
        bool ended = false;              ///< the final block is complete; `consumed` stops right behind it
        bool damaged = false;
    };
    /// Decodes until `in` is used up, the output buffer is full, or the stream ends.
    [[nodiscard]] step next(std::span<std::byte const> in);

    [[nodiscard]] std::string why() const;  ///< zlib's word for the damage

private:
    ::z_stream z_{};
    std::vector<std::byte> out_;
};

}  // namespace submitit::archive::reader
