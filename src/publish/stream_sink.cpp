// SPDX-License-Identifier: Apache-2.0
#include "publish/stream_sink.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/errc.hpp"

namespace submitit::publish {
namespace {

constexpr int pipe_bytes = 1 << 20;
constexpr std::size_t patient_piece = 64 * 1024;
constexpr std::size_t patient_pipe_piece = 4096;  // PIPE_BUF: what poll(2) promises a pipe takes without waiting
constexpr int stop_poll_ms = 100;

}  // namespace

stream_sink::stream_sink(int fd, bool owned, std::string path, std::atomic<bool> const& stop)
    : fd_{fd}, owned_{owned ? fd : -1}, path_{std::move(path)}, stop_{&stop} {
    struct ::stat st{};
    is_pipe_ = ::fstat(fd_, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode));
    may_not_wait_ = is_pipe_;
    if (may_not_wait_)
        static_cast<void>(::fcntl(fd_, F_SETPIPE_SZ, pipe_bytes));  // fewer switches; a refusal costs nothing
}

stream_sink::~stream_sink() = default;

result<> stream_sink::wait_writable() const {
    for (;;) {
        pollfd watched{fd_, POLLOUT, 0};
        int const ready = ::poll(&watched, 1, stop_poll_ms);
        if (stop_->load(std::memory_order_relaxed)) return make_error_code(errc::cancelled);
        if (ready > 0) return {};  // writable, or broken: the write will say
        if (ready < 0 && errno != EINTR) return last_errno();
    }
}

/// Pipes are written without waiting (RWF_NOWAIT), so that a stop is noticed however slow the reader is. Where the kernel
/// does not know that for pipes, in pieces after poll(2).
result<> stream_sink::write(std::span<std::byte const> bytes) {
    while (!bytes.empty()) {
        if (stop_->load(std::memory_order_relaxed)) return make_error_code(errc::cancelled);
        ssize_t n = 0;
        if (may_not_wait_) {
            iovec piece{const_cast<std::byte*>(bytes.data()),
                        bytes.size()};  // NOLINT(cppcoreguidelines-pro-type-const-cast)
            n = ::pwritev2(fd_, &piece, 1, -1, RWF_NOWAIT);
            if (n < 0 && (errno == EOPNOTSUPP || errno == EINVAL || errno == ENOSYS || errno == ESPIPE)) {
                may_not_wait_ = false;
                continue;
            }
        } else {
            if (auto const ready = wait_writable(); !ready) return ready;
            n = ::write(fd_, bytes.data(), std::min(bytes.size(), is_pipe_ ? patient_pipe_piece : patient_piece));
        }
        if (n < 0) {
            if (errno == EINTR) continue;
            if (errno != EAGAIN) return last_errno();
            if (auto const ready = wait_writable(); !ready) return ready;
            continue;
        }
        bytes = bytes.subspan(static_cast<std::size_t>(n));
    }
    return {};
}

result<> stream_sink::overwrite(std::uint64_t, std::span<std::byte const>) { return from_errno(ESPIPE); }
result<> stream_sink::cut_back(std::uint64_t) { return from_errno(ESPIPE); }

result<> stream_sink::commit() {
    if (owned_ && ::close(owned_.release()) != 0) return last_errno();
    return {};
}

}  // namespace submitit::publish
