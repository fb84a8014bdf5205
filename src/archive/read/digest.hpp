// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <libdeflate.h>

#include <cstddef>
#include <cstdint>
#include <span>

namespace submitit::archive::reader {

/// CRC-32 (zip and gzip) and length of bytes as they go by.
struct digest {
    std::uint32_t crc = 0;
    std::uint64_t length = 0;

    void add(std::span<std::byte const> bytes) noexcept {
        crc = ::libdeflate_crc32(crc, bytes.data(), bytes.size());
        length += bytes.size();
    }
};

}  // namespace submitit::archive::reader
