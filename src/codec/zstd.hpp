// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/result.hpp"

namespace submitit::codec {

/// Independent zstd frames (RFC 8878) with content size and checksum, one call each: the bytes depend on the input,
/// the level and frame_bytes_max only. One per worker; not thread-safe; all memory is taken at construction.
class zstd_encoder {
public:
    /// `level` 1..19; `frame_bytes_max` bounds the input of one frame (window and tables are sized for it).
    /// Throws std::bad_alloc.
    zstd_encoder(int level, std::size_t frame_bytes_max);
    ~zstd_encoder();
    zstd_encoder(zstd_encoder&&) noexcept;
    zstd_encoder& operator=(zstd_encoder&&) noexcept;

    /// One whole frame. Returns the bytes written; 0 on an encoder error, when `in` is larger than frame_bytes_max or
    /// when `out` is below bound(in.size()).
    [[nodiscard]] std::size_t frame(std::span<std::byte const> in, std::span<std::byte> out) noexcept;

    [[nodiscard]] static std::size_t bound(std::size_t bytes) noexcept;
    [[nodiscard]] static std::uint64_t context_bytes(int level, std::size_t frame_bytes_max) noexcept;

private:
    struct state;
    std::unique_ptr<state> state_;
};

/// The ordered encoder of --single-frame: one frame for the whole archive, libzstd's own workers (at least one always, so
/// that the bytes do not depend on their number), fixed job size. Runs on one thread at a time.
class zstd_stream {
public:
    /// `level` 1..19; `workers` 0 counts as 1. Throws std::bad_alloc.
    zstd_stream(int level, unsigned workers);
    ~zstd_stream();
    zstd_stream(zstd_stream&&) noexcept;
    zstd_stream& operator=(zstd_stream&&) noexcept;

    /// Feeds `in`; what comes out is handed to `out` in pieces of at most 128 KiB, each valid during the call only.
    /// `end` closes the frame; the next write starts another. False: an encoder error, or `out` answered false; the
    /// stream is of no use then. The bytes do not depend on how the input is cut into calls. May wait for a worker.
    [[nodiscard]] bool write(std::span<std::byte const> in, bool end,
                             bool (*out)(void* context, std::span<std::byte const>), void* context);

    /// What it holds now, without the stacks of libzstd's threads.
    [[nodiscard]] std::uint64_t memory_bytes() const noexcept;

    /// All memory libzstd and this object will take, measured upper bound.
    [[nodiscard]] static std::uint64_t context_bytes(int level, unsigned workers) noexcept;

private:
    struct state;
    std::unique_ptr<state> state_;
};

}  // namespace submitit::codec
