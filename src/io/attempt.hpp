// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cerrno>

#include "base/unique_fd.hpp"
#include "io/backend.hpp"
#include "io/live_counters.hpp"

/// The steps of one read that both backends and the cached path share. Each records its failure in the op.
namespace submitit::io {

/// O_NONBLOCK, so that a FIFO in the place of a file cannot hold the thread (RELIABILITY.md 2); on a regular file it
/// changes nothing for read(2).
extern int const open_flags;

/// At most this many EAGAIN in a row are believed to be passing.
inline constexpr std::uint8_t retries_max = 16;

/// Longest piece of one read call; the kernel stops at 2^31 - 4096.
inline constexpr std::uint64_t read_call_bytes_max = std::uint64_t{1} << 30U;

[[nodiscard]] result<unique_fd> open_source(read_op const& op, bool cached_only) noexcept;

[[nodiscard]] inline bool out_of_descriptors(error_code error) noexcept {
    return error.value() == EMFILE || error.value() == ENFILE;
}

/// Records a failure; always false, so that callers can return it.
bool fail(read_op& op, read_stage stage, error_code error) noexcept;

/// Clears the outcome of an earlier attempt, except what `got` and `before` say.
void reset(read_op& op) noexcept;

/// Does nothing for a `single` op; else fstat after the open: fills `before`, refuses what is no regular file (ENXIO), and forgets `got` when this is not the file it was
/// read from. False: the op failed.
[[nodiscard]] bool begin(read_op& op, int fd) noexcept;

/// Blocking pread(2) from `got` until `bytes` or the end of the file (`single`: until one has succeeded). False: the op failed.
[[nodiscard]] bool read_rest(read_op& op, int fd, live_counters& counters) noexcept;

/// fstat after the last byte (`single`: none). False: the op failed; otherwise it is done.
bool finish(read_op& op, int fd) noexcept;

}  // namespace submitit::io
