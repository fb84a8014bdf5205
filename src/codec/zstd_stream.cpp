// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <new>

#include "base/sizes.hpp"
#include "codec/zstd.hpp"
#include "codec/zstd_parameters.hpp"

namespace submitit::codec {
namespace {

constexpr std::size_t window_for = 4 * MiB;  // window and tables as for inputs of this size, also at high levels
constexpr std::size_t piece_bytes = 128 * KiB;

struct free_context {
    void operator()(ZSTD_CCtx* c) const noexcept { ZSTD_freeCCtx(c); }
};

/// Part of the bytes, so fixed: at least the overlap (the whole window at the highest levels, else an eighth or less).
int job_bytes(ZSTD_compressionParameters const& p) noexcept {
    return static_cast<int>(std::max<std::size_t>(std::size_t{1} << p.windowLog, 2 * MiB));
}

}  // namespace

struct zstd_stream::state {
    state(int level, unsigned workers) : context(ZSTD_createCCtx()) {
        auto const set = [&](ZSTD_cParameter parameter, int value) {
            return ZSTD_isError(ZSTD_CCtx_setParameter(context.get(), parameter, value)) == 0;
        };
        ZSTD_compressionParameters const p = zstd_parameters(level, window_for);
        bool const ready =
            context && set(ZSTD_c_compressionLevel, level) && apply(p, set) && set(ZSTD_c_checksumFlag, 1) &&
            set(ZSTD_c_nbWorkers, static_cast<int>(std::max(workers, 1U))) && set(ZSTD_c_jobSize, job_bytes(p));
        if (!ready) throw std::bad_alloc{};
    }

    std::unique_ptr<ZSTD_CCtx, free_context> context;
    std::array<std::byte, piece_bytes> piece;
};

zstd_stream::zstd_stream(int level, unsigned workers) : state_(new state(level, workers)) {}
zstd_stream::~zstd_stream() = default;
zstd_stream::zstd_stream(zstd_stream&&) noexcept = default;
zstd_stream& zstd_stream::operator=(zstd_stream&&) noexcept = default;

bool zstd_stream::write(std::span<std::byte const> in, bool end, bool (*out)(void* context, std::span<std::byte const>),
                        void* context) {
    ZSTD_inBuffer from{in.data(), in.size(), 0};
    auto const step = [&](ZSTD_EndDirective directive, std::size_t& left) {
        ZSTD_outBuffer to{state_->piece.data(), state_->piece.size(), 0};
        left = ZSTD_compressStream2(state_->context.get(), &to, &from, directive);
        if (ZSTD_isError(left) != 0) return false;
        return to.pos == 0 || out(context, std::span(state_->piece).first(to.pos));
    };
    std::size_t left = 0;
    // Never a first call that says "end": libzstd would take the input it holds for the whole and write other bytes.
    do {
        if (!step(ZSTD_e_continue, left)) return false;
    } while (from.pos < from.size);
    if (!end) return true;
    do {
        if (!step(ZSTD_e_end, left)) return false;
    } while (left != 0);
    return true;
}

std::uint64_t zstd_stream::memory_bytes() const noexcept {
    return ZSTD_sizeof_CCtx(state_->context.get()) + sizeof(state);
}

std::uint64_t zstd_stream::context_bytes(int level, unsigned workers) noexcept {
    ZSTD_compressionParameters const p = zstd_parameters(level, window_for);
    std::uint64_t const w = std::max(workers, 1U);
    std::uint64_t const job = static_cast<std::uint64_t>(job_bytes(p));
    // As zstdmt_compress.c: one context a worker; a ring of input for all jobs and three more; so many outputs kept.
    std::uint64_t const contexts = w * ZSTD_estimateCCtxSize_usingCParams(p);
    std::uint64_t const input = std::max(std::uint64_t{1} << p.windowLog, w * job) + 3 * job;
    std::uint64_t const output = (2 * w + 3) * ZSTD_compressBound(job);
    return contexts + input + output + sizeof(state) + MiB;
}

}  // namespace submitit::codec
