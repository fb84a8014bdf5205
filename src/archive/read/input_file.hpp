// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "archive/read/session.hpp"
#include "base/result.hpp"
#include "base/unique_fd.hpp"

namespace submitit::archive::reader {

/// The archive being proven: a regular file read at positions. Its size is taken once, at open; a file that shrinks
/// under us then looks truncated, which it is.
class input_file {
public:
    /// Fails: open(2) unchanged; EISDIR for a directory, ESPIPE for anything else that has no positions.
    [[nodiscard]] static result<input_file> open(std::string const& path, session& run);

    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
    [[nodiscard]] int fd() const noexcept { return fd_.get(); }

    /// Reads into.size() bytes at `offset`; fewer only at the end of the file.
    /// Fails: errc::cancelled when the caller of verify() says so; pread(2) unchanged.
    [[nodiscard]] result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> into);

private:
    input_file(unique_fd fd, std::uint64_t size, session& run) : fd_{std::move(fd)}, size_{size}, run_{&run} {}

    unique_fd fd_;
    std::uint64_t size_;
    session* run_;
};

/// A movable view of the file, 256 KiB at most: sequential readers and the zip reader share it. Bytes near the last
/// view are not read twice.
class input_window {
public:
    static constexpr std::size_t capacity = 256 * 1024;

    explicit input_window(input_file& file) : file_{file}, buffer_(capacity) {}

    /// Bytes from `offset` on: at least min(want, file size - offset) of them, and whatever else is buffered behind.
    /// Empty exactly at or past the end of the file. `want` is 1..capacity. Valid until the next call.
    [[nodiscard]] result<std::span<std::byte const>> at(std::uint64_t offset, std::size_t want = 1);

private:
    input_file& file_;
    std::vector<std::byte> buffer_;
    std::uint64_t start_ = 0;  // file offset of buffer_[0]
    std::size_t filled_ = 0;
};

}  // namespace submitit::archive::reader
