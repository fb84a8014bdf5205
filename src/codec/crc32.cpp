// SPDX-License-Identifier: Apache-2.0
#include "codec/crc32.hpp"

#include <libdeflate.h>
#include <zlib.h>

namespace submitit::codec {

std::uint32_t crc32(std::uint32_t crc, std::span<std::byte const> bytes) noexcept {
    if (bytes.empty()) return crc;  // libdeflate reads a null pointer as "start anew"
    return libdeflate_crc32(crc, bytes.data(), bytes.size());
}

std::uint32_t combine_crc32(std::uint32_t of_a, std::uint32_t of_b, std::uint64_t length_of_b) noexcept {
    static_assert(sizeof(z_off_t) == 8, "build with 64-bit file offsets");
    return static_cast<std::uint32_t>(::crc32_combine(of_a, of_b, static_cast<z_off_t>(length_of_b)));
}

}  // namespace submitit::codec
