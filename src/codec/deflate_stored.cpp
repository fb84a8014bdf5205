// SPDX-License-Identifier: Apache-2.0
#include "codec/deflate_stored.hpp"

#include <algorithm>
#include <cstring>

namespace submitit::codec {

std::size_t write_stored(std::span<std::byte const> in, std::span<std::byte> out, bool final) noexcept {
    if (out.size() < stored_size(in.size())) return 0;
    std::byte* to = out.data();
    do {
        std::size_t const piece = std::min<std::size_t>(in.size(), 65535);
        bool const last = final && piece == in.size();
        // Three header bits (final, type 00) and five of padding; then LEN and its complement, little endian.
        to[0] = static_cast<std::byte>(last ? 1 : 0);
        to[1] = static_cast<std::byte>(piece & 0xFF);
        to[2] = static_cast<std::byte>(piece >> 8);
        to[3] = ~to[1];
        to[4] = ~to[2];
        if (piece != 0) std::memcpy(to + 5, in.data(), piece);
        to += 5 + piece;
        in = in.subspan(piece);
    } while (!in.empty());
    return static_cast<std::size_t>(to - out.data());
}

}  // namespace submitit::codec
