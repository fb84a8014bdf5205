// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>

namespace submitit::codec {

/// True for one byte value repeated, and enough of it to be worth a stream of its own: zeros of sparse files and disk
/// images. Encoders differ by up to 20 % on those, which would break the order of the levels, and are slower.
[[nodiscard]] bool is_constant(std::span<std::byte const> in) noexcept;

/// One dynamic block (RFC 1951 3.2.7) in which a match of 258 bytes takes two bits, about in.size() / 1032 bytes in all.
/// `final`: the block is final; else an empty stored block follows, up to a byte border. Returns the bytes written; 0 when
/// `out` has fewer than constant_bound(in.size()). `in` must be constant.
[[nodiscard]] std::size_t write_constant(std::span<std::byte const> in, std::span<std::byte> out, bool final) noexcept;
[[nodiscard]] constexpr std::size_t constant_bound(std::size_t bytes) noexcept { return bytes / 1032 + 64; }

}  // namespace submitit::codec
