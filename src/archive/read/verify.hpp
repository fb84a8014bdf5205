// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace submitit::archive {

struct verify_options {
    std::string against;                        ///< directory to compare with; empty: none
    std::uint64_t memory_bytes = 64ULL << 20U;  ///< refuses windows and dictionaries that would not fit
    std::function<void(std::uint64_t bytes_read, std::uint64_t bytes_total)>
        progress;                     ///< called now and then; may be empty
    std::function<bool()> cancelled;  ///< asked now and then; may be empty
};

/// One finding: what is wrong, where.
struct verify_problem {
    std::string path;     ///< entry name as stored, raw bytes; empty when it concerns the archive itself
    std::string message;  ///< one sentence without the path: "CRC-32 is 1f2e3d4c, the directory says 00112233"
};

struct verify_report {
    std::string
        format;  ///< "zip", "tar", "tar.gz", "tar.zst"; "gzip", "zstd" around anything else; or libarchive's name
    std::string
        proof;  ///< what was proven: "CRC-32 of every entry", "gzip CRC-32 and length", "xxHash of every frame and the seek table", "structure only"
    std::uint64_t entries = 0;
    std::uint64_t files = 0;
    std::uint64_t archive_bytes = 0;
    std::uint64_t content_bytes = 0;  ///< of the entries, decoded
    std::uint64_t problem_count = 0;
    std::vector<verify_problem> problems;  ///< the first 100
    std::vector<std::string> notes;  ///< odd but no fault: "12 bytes belong to no entry"; the first 20 different ones
};

/// Proves the bytes of the archive at `path` (CLI.md, "verify"): decodes to hashes, never to disk, in bounded memory.
/// A corrupt archive is a report with problems; an error is one of opening or reading the file itself
/// (errc::archive_unsupported for what is no archive at all).
[[nodiscard]] result<verify_report> verify(std::string const& path, verify_options const& options);

}  // namespace submitit::archive
