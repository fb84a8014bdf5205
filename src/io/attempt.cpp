// SPDX-License-Identifier: Apache-2.0
#include "io/attempt.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/open_beneath.hpp"

namespace submitit::io {

int const open_flags = O_RDONLY | O_NONBLOCK | O_NOCTTY;

result<unique_fd> open_source(read_op const& op, bool cached_only) noexcept {
    beneath_options options;
    options.cached_only = cached_only;
    options.follow_links = op.follow_links;
    options.one_file_system = op.one_file_system;
    return open_beneath(op.root_fd, op.path, open_flags, options);
}

bool fail(read_op& op, read_stage stage, error_code error) noexcept {
    op.stage = stage;
    op.error = error;
    return false;
}

void reset(read_op& op) noexcept {
    op.error = {};
    op.stage = read_stage::open;
    op.after = {};
    op.retries = 0;
    op.clock_us = 0;
    op.backend_fd = -1;
}

bool begin(read_op& op, int fd) noexcept {
    if (op.single) {
        op.stage = read_stage::read;
        return true;
    }
    struct ::stat st{};
    if (::fstat(fd, &st) != 0) return fail(op, read_stage::stat, last_errno());
    auto const now = to_file_stat(st);
    bool const known = op.before.dev != 0 || op.before.ino != 0;
    if (known && !now.unchanged_since(op.before)) op.got = 0;
    op.before = now;
    if (!now.is_regular()) return fail(op, read_stage::stat, from_errno(ENXIO));
    op.stage = read_stage::read;
    return true;
}

bool read_rest(read_op& op, int fd, live_counters& counters) noexcept {
    while (op.got < op.bytes) {
        auto const wanted = std::min(op.bytes - op.got, read_call_bytes_max);
        auto const n = ::pread(fd, op.data + op.got, wanted, static_cast<off_t>(op.offset + op.got));
        if (n < 0) {
            bool const passing = errno == EINTR || (errno == EAGAIN && op.retries < retries_max);
            if (!passing) return fail(op, read_stage::read, last_errno());
            if (errno == EAGAIN) ++op.retries;
            counters.retry();
            continue;
        }
        if (n == 0) break;
        op.got += static_cast<std::uint64_t>(n);
        op.retries = 0;
        counters.bytes(static_cast<std::uint64_t>(n));
        if (op.single) break;
        if (op.got < op.bytes) counters.short_read();
    }
    return true;
}

bool finish(read_op& op, int fd) noexcept {
    if (op.single) {
        op.stage = read_stage::done;
        return true;
    }
    struct ::stat st{};
    if (::fstat(fd, &st) != 0) return fail(op, read_stage::stat, last_errno());
    op.after = to_file_stat(st);
    op.stage = read_stage::done;
    return true;
}

}  // namespace submitit::io
