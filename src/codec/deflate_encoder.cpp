// SPDX-License-Identifier: Apache-2.0
#include <libdeflate.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <new>
#include <optional>

#include "base/check.hpp"
#include "base/sizes.hpp"
#include "codec/compressible.hpp"
#include "codec/deflate.hpp"
#include "codec/deflate_constant.hpp"
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

    std::size_t compress(std::span<std::byte const> in, std::span<std::byte> out) noexcept {
        return isal ? isal->compress(in, out, true) : libdeflate(in, out);
    }

    /// The bytes that a roomy output gets, or 0. What comes close to the end of `out` is not trusted: ISA-L may have
    /// turned to its second choice there.
    std::size_t compress_tightly(std::span<std::byte const> in, std::span<std::byte> out) noexcept {
        bool const small = in.size() <= small_bytes;
        std::span<std::byte> const room = small ? std::span(scratch).first(bound(in.size()))
                                                : out.first(std::min(out.size(), stored_size(in.size()) - 1));
        std::size_t const n = compress(in, room);
        if (n == 0 || n >= stored_size(in.size())) return 0;
        if (!small) return n + encoder_slack <= out.size() ? n : 0;
        if (n > out.size()) return 0;
        std::memcpy(out.data(), scratch.data(), n);
        return n;
    }

    static constexpr std::size_t small_bytes = 1024;

    std::unique_ptr<libdeflate_compressor, free_compressor> compressor;
    std::optional<isal_encoder> isal;
    std::array<std::byte, stored_size(small_bytes) + encoder_slack> scratch;  // so that small inputs fit to the byte
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
    if (in.empty()) {
        if (out.size() < sizeof deflate_end) return 0;
        std::memcpy(out.data(), deflate_end, sizeof deflate_end);
        return sizeof deflate_end;
    }
    if (is_constant(in)) return write_constant(in, out, true);
    // Exactly the bound, however large `out` is: near its end the libraries choose otherwise, ISA-L even another method.
    std::size_t const all = bound(in.size());
    if (out.size() < all) return state_->compress_tightly(in, out);
    std::size_t const n = state_->compress(in, out.first(all));
    return n != 0 && n < stored_size(in.size()) ? n : write_stored(in, out, true);
}

std::size_t deflate_encoder::compress_segment(std::span<std::byte const> in, std::span<std::byte> out) noexcept {
    if (out.size() < segment_bound(in.size())) return 0;
    if (is_constant(in)) return write_constant(in, out, false);
    if (in.empty() || !segment_looks_compressible(in)) return write_stored(in, out, false);
    std::span<std::byte> const room = out.first(segment_bound(in.size()));
    std::size_t n = 0;
    if (state_->isal) {
        n = state_->isal->compress(in, room, false);
    } else if (n = state_->libdeflate(in, room); n != 0) {
        n = n + join_bytes <= room.size() ? make_joinable(room, n) : 0;
    }
    return n != 0 && n < stored_size(in.size()) ? n : write_stored(in, out, false);
}

std::uint64_t deflate_encoder::context_bytes(int level, bool reproducible, deflate_use use) noexcept {
    return context_bytes(deflate_choice_for(level, reproducible, use));
}

std::uint64_t deflate_encoder::context_bytes(deflate_choice choice) noexcept {
    if (choice.engine == deflate_engine::isal) return sizeof(state) + isal_encoder::context_bytes(choice.engine_level);
    // libdeflate 1.14 takes 203, 668 and 9010 kB; rounded up, since other versions differ a little.
    std::uint64_t const tables = choice.engine_level <= 1 ? 256 * KiB : choice.engine_level <= 9 ? 768 * KiB : 10 * MiB;
    return sizeof(state) + tables;
}

}  // namespace submitit::codec
