// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/result.hpp"

namespace submitit::archive {

struct listed_entry {
    std::string path;        ///< raw bytes as stored
    char kind = '-';         ///< as ls: - d l h(ard link) p c b
    std::uint32_t mode = 0;  ///< permission bits, 07777
    std::uint64_t size = 0;
    std::int64_t mtime_seconds = 0;
    std::uint32_t mtime_nanoseconds = 0;
    std::string owner;  ///< name, or number
    std::string group;
    std::string link_target;
};

/// Calls `each` for every entry in archive order, through libarchive, until it answers false. Contents are not decoded
/// where the container allows it. Never runs another program, never reads a file but `path`, whatever the locale.
///
/// Fails: errc::archive_unsupported when no reader knows the format, errc::archive_corrupt where a reader gave up; open
///        and read errors unchanged. `message` then tells what libarchive said.
[[nodiscard]] result<> list(std::string const& path, std::function<bool(listed_entry const&)> const& each,
                            std::string* message = nullptr);

}  // namespace submitit::archive
