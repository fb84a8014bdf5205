// SPDX-License-Identifier: Apache-2.0
#include <sys/mman.h>

#include <new>
#include <utility>

#include "codec/zstd.hpp"
#include "codec/zstd_parameters.hpp"

namespace submitit::codec {
namespace {

/// Pages of their own: a context goes back to the system whole, and none lingers in malloc's arenas.
class pages {
public:
    explicit pages(std::size_t bytes) : bytes_(bytes) {
        at_ = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (at_ == MAP_FAILED) throw std::bad_alloc{};
    }
    pages(pages const&) = delete;
    pages& operator=(pages const&) = delete;
    ~pages() { munmap(at_, bytes_); }
    [[nodiscard]] void* data() const noexcept { return at_; }
    [[nodiscard]] std::size_t size() const noexcept { return bytes_; }

private:
    void* at_;
    std::size_t bytes_;
};

struct free_params {
    void operator()(ZSTD_CCtx_params* p) const noexcept { ZSTD_freeCCtxParams(p); }
};

/// What a static context needs, rounded up to pages; 0 when libzstd cannot say.
std::size_t workspace_bytes(int level, std::size_t frame_bytes_max) noexcept {
    std::unique_ptr<ZSTD_CCtx_params, free_params> const params(ZSTD_createCCtxParams());
    if (!params) return 0;
    auto const set = [&](ZSTD_cParameter parameter, int value) {
        return ZSTD_isError(ZSTD_CCtxParams_setParameter(params.get(), parameter, value)) == 0;
    };
    if (!set(ZSTD_c_compressionLevel, level) || !apply(zstd_parameters(level, frame_bytes_max), set)) return 0;
    std::size_t const bytes = ZSTD_estimateCCtxSize_usingCCtxParams(params.get());
    return ZSTD_isError(bytes) != 0 ? 0 : (bytes + 4095) / 4096 * 4096;
}

}  // namespace

struct zstd_encoder::state {
    state(int level, std::size_t most) : frame_bytes_max(most), memory(workspace_bytes(level, most)) {
        context = ZSTD_initStaticCCtx(memory.data(), memory.size());
        auto const set = [&](ZSTD_cParameter parameter, int value) {
            return ZSTD_isError(ZSTD_CCtx_setParameter(context, parameter, value)) == 0;
        };
        bool const ready = context != nullptr && set(ZSTD_c_compressionLevel, level) &&
                           apply(zstd_parameters(level, most), set) && set(ZSTD_c_checksumFlag, 1) &&
                           set(ZSTD_c_contentSizeFlag, 1);
        if (!ready) throw std::bad_alloc{};
    }

    std::size_t frame_bytes_max;
    pages memory;
    ZSTD_CCtx* context = nullptr;  // inside `memory`: never freed by itself
};

zstd_encoder::zstd_encoder(int level, std::size_t frame_bytes_max)
    : state_(std::make_unique<state>(level, frame_bytes_max)) {}
zstd_encoder::~zstd_encoder() = default;
zstd_encoder::zstd_encoder(zstd_encoder&&) noexcept = default;
zstd_encoder& zstd_encoder::operator=(zstd_encoder&&) noexcept = default;

std::size_t zstd_encoder::frame(std::span<std::byte const> in, std::span<std::byte> out) noexcept {
    if (in.size() > state_->frame_bytes_max || out.size() < bound(in.size())) return 0;
    std::size_t const n = ZSTD_compress2(state_->context, out.data(), out.size(), in.data(), in.size());
    return ZSTD_isError(n) != 0 ? 0 : n;
}

std::size_t zstd_encoder::bound(std::size_t bytes) noexcept { return ZSTD_compressBound(bytes); }

std::uint64_t zstd_encoder::context_bytes(int level, std::size_t frame_bytes_max) noexcept {
    return workspace_bytes(level, frame_bytes_max) + sizeof(state) + 64;
}

}  // namespace submitit::codec
