// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "archive/read/entry_sink.hpp"
#include "archive/read/input_file.hpp"
#include "archive/read/session.hpp"
#include "base/result.hpp"

namespace submitit::archive::reader {

/// Whether a compression filter that libarchive decodes (xz, bzip2, lz4, lzip, lzma, compress) begins the file.
[[nodiscard]] bool is_foreign_filter(std::span<std::byte const> head) noexcept;

/// Decodes such a file into `content` and names the filter in `suffix` ("xz", "bz2"). Refuses dictionaries larger than
/// the session allows where the head of the file tells them (xz, lzma, lzip).
[[nodiscard]] result<> read_foreign_filter(session& run, input_file& file, byte_sink& content, std::string& suffix);

/// Reads every entry of any other container (7z, rar, cpio, iso9660, cab, xar, ar) through libarchive and sets
/// report.format. What is proven is what libarchive checks. The dictionary of a 7z cannot be seen before it is taken.
/// Fails: errc::archive_unsupported when no reader knows the file; what reading fails with.
[[nodiscard]] result<> read_foreign_container(session& run, input_file& file, entry_sink& sink);

}  // namespace submitit::archive::reader
