// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/result.hpp"
#include "base/unique_fd.hpp"

namespace submitit {

/// An unnamed temporary file in $TMPDIR (or /tmp): where a window that outgrew its memory goes. It has no name
/// at any time where the file system knows O_TMPFILE, and is unlinked at once elsewhere, so nothing can be left
/// behind. The file is made by the first append. One owner, one thread at a time.
class spill_file {
public:
    /// Appends all of `bytes`; gives the offset they start at. Fails: open and write errors unchanged (ENOSPC).
    [[nodiscard]] result<std::uint64_t> append(std::span<std::byte const> bytes);

    /// Overwrites bytes that exist already, or extends the file.
    [[nodiscard]] result<> write_at(std::uint64_t offset, std::span<std::byte const> bytes);

    /// Reads exactly into.size() bytes; EIO when the file ends before.
    [[nodiscard]] result<> read(std::uint64_t offset, std::span<std::byte> into) const;

    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }

private:
    [[nodiscard]] result<> open();

    unique_fd fd_;
    std::uint64_t size_ = 0;
};

}  // namespace submitit
