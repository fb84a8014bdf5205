// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace submitit::archive::reader {

inline constexpr std::size_t tar_block_bytes = 512;
using tar_block = std::span<std::byte const, tar_block_bytes>;

/// One extent of a sparse file: where its stored bytes belong.
struct sparse_extent {
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
};

/// The fields of one tar header that matter to a reader of contents.
/// Source: POSIX.1-2017 pax, "ustar Interchange Format"; GNU tar manual, "Basic Tar Format".
struct tar_header {
    std::string path;  ///< prefix and name joined
    std::string link_target;
    char type = '0';
    std::uint64_t size = 0;
    bool posix = false;  ///< magic is "ustar\0": only then is there a prefix
};

/// Whether the stored checksum is that of the block: eight spaces in its place, bytes summed as unsigned, or as signed
/// as some old programs did.
[[nodiscard]] bool tar_checksum_matches(tar_block block) noexcept;

[[nodiscard]] bool is_zero_block(std::span<std::byte const> bytes) noexcept;

/// "ustar" stands where POSIX and GNU tar put it.
[[nodiscard]] bool has_tar_magic(tar_block block) noexcept;

/// Octal digits, spaces before and a space or NUL behind allowed; or base 256 when the first byte's high bit is set
/// (GNU). Nothing when malformed, negative or past 2^64-1. An empty field is 0.
[[nodiscard]] std::optional<std::uint64_t> tar_number(std::span<std::byte const> field) noexcept;

/// Nothing when the size field is malformed. The checksum is the caller's.
[[nodiscard]] std::optional<tar_header> parse_tar_header(tar_block block);

/// Old GNU sparse header (type S): up to four extents, the size of the file once expanded, and whether extension
/// blocks follow. Nothing when a number is malformed.
struct gnu_sparse_header {
    std::array<sparse_extent, 4> extents{};
    std::size_t count = 0;
    std::uint64_t real_size = 0;
    bool extended = false;
};
[[nodiscard]] std::optional<gnu_sparse_header> parse_gnu_sparse_header(tar_block block) noexcept;

/// One extension block of it: up to 21 extents.
struct gnu_sparse_extension {
    std::array<sparse_extent, 21> extents{};
    std::size_t count = 0;
    bool extended = false;
};
[[nodiscard]] std::optional<gnu_sparse_extension> parse_gnu_sparse_extension(tar_block block) noexcept;

}  // namespace submitit::archive::reader
