// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace submitit::codec {

/// True when the name's extension belongs to an already-compressed kind (jpg, mp4, zip, gz, zst, docx, ...), any case.
[[nodiscard]] bool has_compressed_extension(std::string_view name) noexcept;

/// True when the first bytes are the signature of an already-compressed kind. 16 bytes suffice.
[[nodiscard]] bool has_compressed_magic(std::span<std::byte const> head) noexcept;

/// A cheap trial on content: samples up to three pieces of 4 KiB (start, middle, end) and estimates whether deflate
/// would save at least about 3 %. Depends on the bytes only. Inputs below 64 bytes count as compressible.
[[nodiscard]] bool looks_compressible(std::span<std::byte const> bytes) noexcept;

/// The same for a piece of an archive that may hold many files: one sample in each 64 KiB, and one that compresses is
/// enough.
[[nodiscard]] bool segment_looks_compressible(std::span<std::byte const> bytes) noexcept;

}  // namespace submitit::codec
