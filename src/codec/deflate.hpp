// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/result.hpp"

namespace submitit::codec {

/// Which library serves a deflate level; see the table in deflate_levels.cpp for the measurements behind it.
enum class deflate_engine : std::uint8_t { isal, libdeflate };

/// What an encoder mostly makes. Zip entries start with an empty window each, so the level of a peer is easier to meet
/// there than in segments, whose peers (gzip, pigz) carry the window on. Any encoder can do both calls.
enum class deflate_use : std::uint8_t { entry, segment };

/// For doctor and --json: the encoder behind `level` (1..9).
struct deflate_choice {
    deflate_engine engine = deflate_engine::libdeflate;
    int engine_level = 6;  // ISA-L 0..3, libdeflate 1..12
};
[[nodiscard]] deflate_choice deflate_choice_for(int level, bool reproducible, deflate_use use) noexcept;

/// Raw deflate (RFC 1951), one call per piece, nothing kept between calls: the bytes depend on the input and the level
/// only, neither on what was compressed before nor on how large `out` is. One per worker; not thread-safe; all memory is
/// taken at construction (std::bad_alloc when there is none).
class deflate_encoder {
public:
    /// `level` 1..9. `reproducible`: libdeflate only, since ISA-L's output depends on the CPU.
    deflate_encoder(int level, bool reproducible, deflate_use use);
    /// A given encoder: for tests and benchmarks. ISA-L must be built in when it is asked for.
    explicit deflate_encoder(deflate_choice choice);
    ~deflate_encoder();
    deflate_encoder(deflate_encoder&&) noexcept;
    deflate_encoder& operator=(deflate_encoder&&) noexcept;

    /// A complete stream (final bit set), never larger than stored blocks would be. Returns the bytes written. With
    /// bound(in.size()) in `out` it always succeeds; a smaller `out` gets the same bytes or, where they do not fit (a few
    /// dozen bytes to spare may be asked for), 0.
    [[nodiscard]] std::size_t compress(std::span<std::byte const> in, std::span<std::byte> out) noexcept;

    /// A piece that other pieces follow: no final block, ends on a byte border, so concatenated pieces followed by
    /// `deflate_end` are one valid stream. Input that does not compress becomes stored blocks. Returns the bytes
    /// written; 0 when `out` does not hold segment_bound(in.size()).
    [[nodiscard]] std::size_t compress_segment(std::span<std::byte const> in, std::span<std::byte> out) noexcept;

    /// Upper bounds of the two calls above, the same for every level and engine.
    [[nodiscard]] static std::size_t bound(std::size_t bytes) noexcept;
    [[nodiscard]] static std::size_t segment_bound(std::size_t bytes) noexcept;

    /// Bytes a context of this level takes, to be booked before it is made.
    [[nodiscard]] static std::uint64_t context_bytes(int level, bool reproducible, deflate_use use) noexcept;
    [[nodiscard]] static std::uint64_t context_bytes(deflate_choice choice) noexcept;

private:
    struct state;
    std::unique_ptr<state> state_;
};

/// The final empty block that closes concatenated segments: 03 00 (RFC 1951 3.2.6, fixed Huffman, end of block).
inline constexpr std::byte deflate_end[2] = {std::byte{0x03}, std::byte{0x00}};

/// Turns a complete deflate stream into one that others may follow, in place: finds the header of the last block, clears
/// its final bit and appends an empty stored block. Returns the new size; 0 when the stream is malformed (then `buffer`
/// is unchanged) or `buffer` has fewer than `stream_bytes` + 5 bytes. Reads codes only: back-references that reach
/// before the stream's start go unnoticed.
[[nodiscard]] std::size_t make_joinable(std::span<std::byte> buffer, std::size_t stream_bytes) noexcept;

}  // namespace submitit::codec
