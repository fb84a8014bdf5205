// SPDX-License-Identifier: Apache-2.0
#include <libdeflate.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <optional>

#include "base/check.hpp"
#include "base/sizes.hpp"
#include "codec/compressible.hpp"
#include "codec/deflate.hpp"
#include "codec/deflate_stored.hpp"
#include "codec/isal_encoder.hpp"

namespace submitit::codec {
namespace {

/// Encoders write a machine word at a time and give up that much before the end of the output; with this slack a result
/// no larger than stored blocks always fits.
constexpr std::size_t encoder_slack = 32;

/// What make_joinable appends at most: three bits, padding, 00 00 FF FF.
constexpr std::size_t join_bytes = 5;

struct free_compressor {
    void operator()(libdeflate_compressor* c) const noexcept { libdeflate_free_compressor(c); }
};

}  // namespace

struct deflate_encoder::state {
    explicit state(deflate_choice choice) {
        if (choice.engine == deflate_engine::isal) {
            SUBMITIT_CHECK(isal_encoder::available());
            isal.emplace(choice.engine_level);
            return;
        }
        SUBMITIT_CHECK(choice.engine_level >= 1 && choice.engine_level <= 12);
        compressor.reset(libdeflate_alloc_compressor(choice.engine_level));
        if (!compressor) throw std::bad_alloc{};
    }

    std::size_t libdeflate(std::span<std::byte const> in, std::span<std::byte> out) noexcept {
        return libdeflate_deflate_compress(compressor.get(), in.data(), in.size(), out.data(), out.size());
    }

    std::unique_ptr<libdeflate_compressor, free_compressor> compressor;
    std::optional<isal_encoder> isal;
};

deflate_encoder::deflate_encoder(int level, bool reproducible, deflate_use use)
    : deflate_encoder(deflate_choice_for(level, reproducible, use)) {}
deflate_encoder::deflate_encoder(deflate_choice choice) : state_(std::make_unique<state>(choice)) {}
deflate_encoder::~deflate_encoder() = default;
deflate_encoder::deflate_encoder(deflate_encoder&&) noexcept = default;
deflate_encoder& deflate_encoder::operator=(deflate_encoder&&) noexcept = default;

std::size_t deflate_encoder::bound(std::size_t bytes) noexcept { return stored_size(bytes) + encoder_slack; }
std::size_t deflate_encoder::segment_bound(std::size_t bytes) noexcept { return bound(bytes); }

std::size_t deflate_encoder::compress(std::span<std::byte const> in, std::span<std::byte> out) noexcept {
    if (out.size() < bound(in.size())) return 0;
    if (in.empty()) {
        std::memcpy(out.data(), deflate_end, sizeof deflate_end);
        return sizeof deflate_end;
    }
    // Exactly the bound, however large `out` is: near its end the libraries choose otherwise, ISA-L even another method.
    std::span<std::byte> const room = out.first(bound(in.size()));
    std::size_t const n = state_->isal ? state_->isal->compress(in, room, true) : state_->libdeflate(in, room);
    return n != 0 && n <= stored_size(in.size()) ? n : write_stored(in, out, true);
}

std::size_t deflate_encoder::compress_segment(std::span<std::byte const> in, std::span<std::byte> out) noexcept {
    if (out.size() < segment_bound(in.size())) return 0;
    if (in.empty() || !segment_looks_compressible(in)) return write_stored(in, out, false);
    std::span<std::byte> const room = out.first(segment_bound(in.size()));
    std::size_t n = 0;
    if (state_->isal) {
        n = state_->isal->compress(in, room, false);
    } else if (n = state_->libdeflate(in, room); n != 0) {
        n = n + join_bytes <= room.size() ? make_joinable(room, n) : 0;
    }
    return n != 0 && n <= stored_size(in.size()) ? n : write_stored(in, out, false);
}

std::uint64_t deflate_encoder::context_bytes(int level, bool reproducible, deflate_use use) noexcept {
    return context_bytes(deflate_choice_for(level, reproducible, use));
}

std::uint64_t deflate_encoder::context_bytes(deflate_choice choice) noexcept {
    if (choice.engine == deflate_engine::isal) return sizeof(state) + isal_encoder::context_bytes(choice.engine_level);
    // libdeflate 1.14 takes 203, 668 and 9010 kB; rounded up, since other versions differ a little.
    if (choice.engine_level <= 1) return 256 * KiB;
    return choice.engine_level <= 9 ? 768 * KiB : 10 * MiB;
}

}  // namespace submitit::codec
