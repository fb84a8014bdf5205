// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "archive/read/input_file.hpp"
#include "archive/read/session.hpp"
#include "base/result.hpp"

namespace submitit::archive::reader {

/// What the end of a zip says about its directory. Source: APPNOTE 4.3.14 to 4.3.16.
struct zip_end {
    std::uint64_t entries = 0;
    std::uint64_t directory_bytes = 0;
    std::uint64_t directory_offset = 0;
    std::uint64_t start = 0;  ///< where the end records begin: the directory must stop there
};

/// Whether an end record with its comment closes the file exactly.
[[nodiscard]] result<bool> ends_like_zip(input_file& file);

/// Finds the end record (behind a comment of up to 64 KiB) and the Zip64 one, and reports what is wrong with them.
/// Nothing when there is no end record: the archive is cut short.
[[nodiscard]] result<std::optional<zip_end>> find_zip_end(session& run, input_file& file);

}  // namespace submitit::archive::reader
