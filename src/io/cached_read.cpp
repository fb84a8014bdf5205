// SPDX-License-Identifier: Apache-2.0
#include <sys/uio.h>

#include <algorithm>

#include "io/attempt.hpp"

namespace submitit::io {
namespace {

enum class outcome : std::uint8_t { finished, would_wait };

/// EAGAIN: not cached. EINVAL: a kernel before 5.12, without RESOLVE_CACHED; if it was about the file, the backend's own open
/// says so again. Out of descriptors: the backend knows how to wait for one.
bool open_would_wait(error_code error) noexcept {
    return error.value() == EAGAIN || error.value() == EINVAL || out_of_descriptors(error);
}

/// EOPNOTSUPP: a file system without RWF_NOWAIT. ENOSYS: a sandbox without preadv2.
bool read_would_wait(int error) noexcept {
    return error == EAGAIN || error == EOPNOTSUPP || error == EINVAL || error == ENOSYS;
}

outcome read_cached_bytes(read_op& op, int fd) noexcept {
    while (op.got < op.bytes) {
        ::iovec into{op.data + op.got, std::min(op.bytes - op.got, read_call_bytes_max)};
        auto const n = ::preadv2(fd, &into, 1, static_cast<off_t>(op.offset + op.got), RWF_NOWAIT);
        if (n > 0) {
            op.got += static_cast<std::uint64_t>(n);
            continue;
        }
        // preadv2(2), BUGS: Linux 5.9 and 5.10 may answer 0 before the end of the file.
        if (n == 0) return op.offset + op.got >= op.before.size ? outcome::finished : outcome::would_wait;
        if (errno == EINTR) continue;
        if (read_would_wait(errno)) return outcome::would_wait;
        fail(op, read_stage::read, last_errno());
        return outcome::finished;
    }
    return outcome::finished;
}

}  // namespace

bool try_cached_read(read_op& op) noexcept {
    reset(op);
    unique_fd own;
    int fd = op.fd;
    if (fd < 0) {
        auto opened = open_source(op, true);
        if (!opened) return !open_would_wait(opened.error()) && !fail(op, read_stage::open, opened.error());
        own = std::move(*opened);
        fd = own.get();
    }
    if (!begin(op, fd)) return true;
    if (read_cached_bytes(op, fd) == outcome::would_wait) return false;
    if (!op.error) finish(op, fd);
    return true;
}

}  // namespace submitit::io
