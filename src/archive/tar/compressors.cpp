// SPDX-License-Identifier: Apache-2.0
#include "archive/tar/compressors.hpp"

#include <cstring>

#include "memory/slab.hpp"

namespace submitit::archive::tar {
namespace {

std::size_t copied_back(std::span<std::byte> slab, std::span<std::byte const> scratch, std::size_t bytes) noexcept {
    if (bytes > slab.size()) return 0;
    std::memcpy(slab.data(), scratch.data(), bytes);
    return bytes;
}

class gzip_compressor final : public compressor {
public:
    gzip_compressor(int level, bool reproducible, std::size_t slab_bytes)
        : encoder_{level, reproducible, codec::deflate_use::segment}, scratch_{slab_bytes} {}

    std::size_t compress(std::span<std::byte> slab, std::size_t raw_bytes) override {
        return copied_back(slab, scratch_.bytes(), encoder_.compress_segment(slab.first(raw_bytes), scratch_.bytes()));
    }

private:
    codec::deflate_encoder encoder_;
    memory::slab scratch_;
};

class zstd_compressor final : public compressor {
public:
    zstd_compressor(int level, std::size_t ticket_bytes, std::size_t slab_bytes)
        : encoder_{level, ticket_bytes}, scratch_{slab_bytes} {}

    std::size_t compress(std::span<std::byte> slab, std::size_t raw_bytes) override {
        return copied_back(slab, scratch_.bytes(), encoder_.frame(slab.first(raw_bytes), scratch_.bytes()));
    }

private:
    codec::zstd_encoder encoder_;
    memory::slab scratch_;
};

}  // namespace

std::unique_ptr<compressor> make_gzip_compressor(int level, bool reproducible, std::size_t slab_bytes) {
    return std::make_unique<gzip_compressor>(level, reproducible, slab_bytes);
}

std::unique_ptr<compressor> make_zstd_compressor(int level, std::size_t ticket_bytes, std::size_t slab_bytes) {
    return std::make_unique<zstd_compressor>(level, ticket_bytes, slab_bytes);
}

}  // namespace submitit::archive::tar
