// SPDX-License-Identifier: Apache-2.0
#include "archive/read/zstd_decoder.hpp"

#include <xxhash.h>
#include <zstd.h>

#include <algorithm>
#include <new>

namespace submitit::archive::reader {
namespace {

constexpr int window_log_max = 27;  // session::window_bytes_max() never exceeds 128 MiB

}  // namespace

struct zstd_decoder::context {
    ZSTD_DCtx* zstd = ZSTD_createDCtx();
    XXH64_state_t* hash = XXH64_createState();

    context() {
        if (zstd == nullptr || hash == nullptr) throw std::bad_alloc{};
        ZSTD_DCtx_setParameter(zstd, ZSTD_d_windowLogMax, window_log_max);
    }
    ~context() {
        ZSTD_freeDCtx(zstd);
        XXH64_freeState(hash);
    }
    context(context const&) = delete;
    context& operator=(context const&) = delete;
};

zstd_decoder::zstd_decoder(session& run)
    : run_{run}, context_{std::make_unique<context>()}, out_(ZSTD_DStreamOutSize()) {}

zstd_decoder::~zstd_decoder() = default;

std::string zstd_decoder::refusal(zstd_frame_header const& header) const {
    if (header.window_bytes > run_.window_bytes_max()) return run_.too_large("zstd window", header.window_bytes);
    return {};
}

result<zstd_decoder::outcome> zstd_decoder::frame(input_window& window, std::uint64_t position, std::uint64_t limit,
                                                  bool hash, output const& out) {
    outcome done;
    auto const view = window.at(position, zstd_frame_header_bytes_max);
    if (!view) return view.error();
    auto const own = view->first(static_cast<std::size_t>(std::min<std::uint64_t>(view->size(), limit - position)));
    auto const header = parse_zstd_frame_header(own);
    if (!header) {
        done.why = own.size() < zstd_frame_header_bytes_max ? "it is cut short, or no zstd frame"
                                                            : "no zstd frame begins there";
        return done;
    }
    done.header = *header;
    if (header->skippable) {
        if (header->skip_bytes > limit - position - 8) {
            done.why = "a skippable frame is cut short";
        } else {
            done.bytes = 8 + header->skip_bytes;
        }
        return done;
    }
    done.why = refusal(*header);
    if (!done.why.empty()) return done;
    auto const decoded = decode(window, position, limit, hash, out, done);
    if (!decoded) return decoded.error();
    return done;
}

result<> zstd_decoder::decode(input_window& window, std::uint64_t position, std::uint64_t limit, bool hash,
                              output const& out, outcome& done) {
    ZSTD_DCtx_reset(context_->zstd, ZSTD_reset_session_only);
    XXH64_reset(context_->hash, 0);
    for (;;) {
        auto const view =
            position < limit ? window.at(position) : result<std::span<std::byte const>>{std::span<std::byte const>{}};
        if (!view) return view.error();
        ZSTD_inBuffer in{view->data(),
                         static_cast<std::size_t>(std::min<std::uint64_t>(view->size(), limit - position)), 0};
        ZSTD_outBuffer to{out_.data(), out_.size(), 0};
        auto const hint = ZSTD_decompressStream(context_->zstd, &to, &in);
        position += in.pos;
        done.bytes += in.pos;
        done.content_bytes += to.pos;
        auto const content = std::span<std::byte const>{out_}.first(to.pos);
        if (hash) XXH64_update(context_->hash, content.data(), content.size());
        if (!content.empty() && !out(content)) {
            done.stopped = true;
            return {};
        }
        if (ZSTD_isError(hint)) {
            done.why = std::string{"libzstd says: "} + ZSTD_getErrorName(hint);
            return {};
        }
        if (hint == 0) break;
        if (in.size == 0 && to.pos == 0) {
            done.why = "it is cut short";
            return {};
        }
    }
    done.hash = static_cast<std::uint32_t>(XXH64_digest(context_->hash));
    return {};
}

}  // namespace submitit::archive::reader
