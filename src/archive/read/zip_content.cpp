// SPDX-License-Identifier: Apache-2.0
#include "archive/read/zip_content.hpp"

#include <algorithm>
#include <string>

namespace submitit::archive::reader {
namespace {

constexpr unsigned method_stored = 0, method_deflate = 8, method_zstd = 93;

std::span<std::byte const> at_most(std::span<std::byte const> bytes, std::uint64_t limit) {
    return bytes.first(static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), limit)));
}

}  // namespace

verdict zip_content::damaged(zip_central const& entry, std::string message) {
    return run_.problem(entry.name, std::move(message));
}

verdict zip_content::take(zip_central const& entry, std::span<std::byte const> bytes) {
    if (bytes.size() > entry.content_bytes - digest_.length)
        return damaged(entry, "holds more than the " + count_bytes(entry.content_bytes) + " the directory says");
    digest_.add(bytes);
    if (!bytes.empty()) sink_.data(bytes);
    return verdict::sound;
}

result<verdict> zip_content::prove(zip_central const& entry, std::uint64_t offset) {
    digest_ = {};
    result<verdict> sound = verdict::damaged;
    if (entry.flags & zip_flag_encrypted) return damaged(entry, "is encrypted, so its content cannot be proven");
    switch (entry.method) {
        case method_stored: sound = prove_stored(entry, offset); break;
        case method_deflate: sound = prove_deflated(entry, offset); break;
        case method_zstd: sound = prove_zstd(entry, offset); break;
        default:
            return damaged(entry, "is compressed by method " + std::to_string(entry.method) +
                                      ", which this program cannot decode");
    }
    if (!sound || *sound != verdict::sound) return sound;
    if (digest_.length != entry.content_bytes)
        return damaged(entry, "decodes to " + count_bytes(digest_.length) + ", the directory says " +
                                  std::to_string(entry.content_bytes));
    if (digest_.crc != entry.crc)
        return damaged(entry, "CRC-32 is " + hex32(digest_.crc) + ", the directory says " + hex32(entry.crc));
    return verdict::sound;
}

result<verdict> zip_content::prove_stored(zip_central const& entry, std::uint64_t offset) {
    for (auto left = entry.compressed_bytes; left != 0;) {
        auto const view = window_.at(offset);
        if (!view) return view.error();
        if (view->empty()) return damaged(entry, "is cut short");
        auto const piece = at_most(*view, left);
        if (take(entry, piece) != verdict::sound) return verdict::damaged;
        offset += piece.size();
        left -= piece.size();
    }
    return verdict::sound;
}

result<verdict> zip_content::prove_deflated(zip_central const& entry, std::uint64_t offset) {
    inflate_.start();
    auto left = entry.compressed_bytes;
    for (;;) {
        std::span<std::byte const> piece;
        if (left != 0) {
            auto const view = window_.at(offset);
            if (!view) return view.error();
            piece = at_most(*view, left);
        }
        auto const step = inflate_.next(piece);
        offset += step.consumed;
        left -= step.consumed;
        if (take(entry, step.out) != verdict::sound) return verdict::damaged;
        if (step.damaged) return damaged(entry, "its deflate data is damaged: " + inflate_.why());
        if (step.ended) break;
        if (piece.empty() && step.out.empty()) return damaged(entry, "its deflate data has no end");
    }
    if (left != 0) return damaged(entry, "its deflate data ends " + count_bytes(left) + " early");
    return verdict::sound;
}

result<verdict> zip_content::prove_zstd(zip_central const& entry, std::uint64_t offset) {
    if (!zstd_) zstd_.emplace(run_);
    auto const end = offset + entry.compressed_bytes;
    while (offset < end) {
        auto const frame = zstd_->frame(window_, offset, end, false, [&](std::span<std::byte const> bytes) {
            return take(entry, bytes) == verdict::sound;
        });
        if (!frame) return frame.error();
        if (frame->stopped) return verdict::damaged;
        if (!frame->why.empty()) return damaged(entry, "its zstd data is damaged: " + frame->why);
        offset += frame->bytes;
    }
    return verdict::sound;
}

}  // namespace submitit::archive::reader
