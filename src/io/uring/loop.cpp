// SPDX-License-Identifier: Apache-2.0
#include "io/uring/loop.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "base/check.hpp"
#include "base/open_beneath.hpp"
#include "io/attempt.hpp"

namespace submitit::io::uring {
namespace {

/// More than this in flight gains nothing and needs no larger ring.
constexpr std::uint32_t depth_max = 4096;

/// Reads of cached bytes are copied while they are submitted, so a batch is bounded: its first reads are handed back while
/// later ones wait. A small read is charged what its system calls cost. (From 256 KiB to 16 MiB no difference beyond noise.)
constexpr std::uint64_t turn_bytes = std::uint64_t{1} << 20U;
constexpr std::uint64_t op_bytes_min = std::uint64_t{16} << 10U;

/// After so many EAGAIN from the ring's own workers the file system is left to pread(2).
constexpr std::uint8_t ring_retries_max = 3;

enum class tag : std::uint64_t { read, open, wake, timer };
constexpr std::uint64_t tag_mask = 3;
static_assert(alignof(read_op) > tag_mask);

std::uint64_t tagged(void const* address, tag kind) noexcept {
    return std::bit_cast<std::uintptr_t>(address) | static_cast<std::uint64_t>(kind);
}

template <class T>
T& untagged(std::uint64_t user_data) noexcept {
    return *std::bit_cast<T*>(static_cast<std::uintptr_t>(user_data & ~tag_mask));
}

int descriptor(read_op const& op) noexcept { return op.fd >= 0 ? op.fd : op.backend_fd; }

}  // namespace

loop_limits::loop_limits(backend_options const& options) noexcept
    : open_files{std::max(options.open_slots, 1U)},
      opens{std::clamp(std::min(options.open_slots, options.depth), 1U, depth_max)},
      reads{std::clamp(options.depth, 1U, depth_max)},
      open_workers{std::clamp(options.threads, 1U, depth_max)} {}

loop::loop(ring& with, inbox& from, live_counters& counters, loop_limits limits)
    : ring_{with},
      inbox_{from},
      counters_{counters},
      limits_{limits},
      slots_{limits.open_files},
      records_{std::make_unique_for_overwrite<open_record[]>(limits.opens)} {
    free_records_.reserve(limits.opens);
    for (std::uint32_t i = 0; i < limits.opens; ++i) free_records_.push_back(&records_[i]);
    // The default, four workers a core, opens cold files too slowly on small machines; ignored by kernels before 5.15.
    unsigned workers[2] = {limits.open_workers, 0};
    ::io_uring_register_iowq_max_workers(&ring_.raw(), workers);
}

void loop::run() {
    for (;;) {
        accept();
        if (closed_ && idle()) return;
        if (!closed_ && !wake_armed_) arm_wake();
        bool const more = start_some();
        counters_.in_flight(reads_, opens_);
        ring_.submit(!more && in_flight() > 0 && inbox_.may_sleep());
        clock_us_ = status::now_us();
        ring_.reap([this](std::uint64_t user_data, int outcome) { completed(user_data, outcome); });
    }
}

void loop::accept() {
    auto const [first, closed] = inbox_.take();
    closed_ = closed;
    op_queue arrived;
    arrived.append(first);
    while (auto* const op = arrived.pop()) {
        reset(*op);
        if (op->fd < 0) {
            to_open_.push_back(*op);
        } else if (begin(*op, op->fd)) {
            to_read_.push_back(*op);
        } else {
            complete(*op);
        }
    }
}

/// One batch. True: more could be started at once.
bool loop::start_some() {
    clock_us_ = status::now_us();
    auto const more = start_batch();
    if (prepared_ > 0) counters_.batch(std::exchange(prepared_, 0));
    return more;
}

bool loop::start_batch() {
    std::uint64_t started = 0;
    while (started < turn_bytes) {
        if (may_read()) {
            auto& op = *to_read_.pop();
            started += std::max(op.bytes - std::min(op.got, op.bytes), op_bytes_min);
            read_next(op);
        } else if (may_open()) {
            open_next();
        } else {
            return false;
        }
    }
    return may_read() || may_open();
}

bool loop::may_open() const noexcept {
    return !to_open_.empty() && to_read_.empty() && !timer_armed_ && slots_.available() && opens_ < limits_.opens;
}

std::uint32_t loop::in_flight() const noexcept {
    return reads_ + opens_ + (wake_armed_ ? 1U : 0U) + (timer_armed_ ? 1U : 0U);
}

// ---- open

void loop::open_next() {
    auto& op = *to_open_.pop();
    slots_.take();
    op.clock_us = static_cast<std::uint32_t>(clock_us_);
    auto fd = open_source(op, true);
    // EINVAL: no RESOLVE_CACHED before 5.12.
    bool const not_cached = !fd && (fd.error().value() == EAGAIN || fd.error().value() == EINVAL);
    if (not_cached && op.path.size() < PATH_MAX) return open_on_ring(op);
    if (not_cached) fd = open_source(op, false);
    if (!fd) return open_failed(op, fd.error());
    opened(op, fd->release());
}

void loop::open_on_ring(read_op& op) {
    auto& record = *free_records_.back();
    free_records_.pop_back();
    record.op = &op;
    auto const path = op.path.empty() ? std::string_view{"."} : op.path;
    std::memcpy(record.path, path.data(), path.size());
    record.path[path.size()] = '\0';
    record.how = {};
    record.how.flags = static_cast<std::uint64_t>(open_flags | O_CLOEXEC);
    record.how.resolve = resolve_flags({.follow_links = op.follow_links, .one_file_system = op.one_file_system});
    auto& sqe = ring_.next_sqe();
    ::io_uring_prep_openat2(&sqe, op.root_fd, record.path, &record.how);
    ::io_uring_sqe_set_flags(&sqe, IOSQE_ASYNC);  // the attempt without waiting was made already
    ::io_uring_sqe_set_data64(&sqe, tagged(&record, tag::open));
    ++opens_;
    ++prepared_;
}

void loop::open_completed(open_record& record, int outcome) {
    --opens_;
    auto& op = *record.op;
    free_records_.push_back(&record);
    if (outcome >= 0) return opened(op, outcome);
    if ((outcome == -EAGAIN || outcome == -EINTR) && op.retries < retries_max) {
        ++op.retries;
        counters_.retry();
        return open_on_ring(op);
    }
    open_failed(op, from_errno(-outcome));
}

void loop::opened(read_op& op, int fd) {
    op.backend_fd = fd;
    op.retries = 0;
    if (!begin(op, fd)) return complete(op);
    to_read_.push_back(op);
}

void loop::open_failed(read_op& op, error_code error) {
    if (out_of_descriptors(error)) {
        counters_.descriptor_wait();
        slots_.refused();
        to_open_.push_front(op);
        if (slots_.held() == 0) arm_timer();  // otherwise the next close makes room
        return;
    }
    slots_.give_back();
    fail(op, read_stage::open, error);
    complete(op);
}

// ---- read

void loop::read_next(read_op& op) {
    auto const wanted = std::min(op.bytes - std::min(op.got, op.bytes), read_call_bytes_max);
    if (wanted == 0) {
        finish(op, descriptor(op));
        return complete(op);
    }
    if (op.clock_us == 0) op.clock_us = static_cast<std::uint32_t>(clock_us_);
    auto& sqe = ring_.next_sqe();
    ::io_uring_prep_read(&sqe, descriptor(op), op.data + op.got, static_cast<unsigned>(wanted), op.offset + op.got);
    // EAGAIN comes from file systems that cannot read without waiting, the file being O_NONBLOCK; a worker may wait.
    if (op.retries > 0) ::io_uring_sqe_set_flags(&sqe, IOSQE_ASYNC);
    ::io_uring_sqe_set_data64(&sqe, tagged(&op, tag::read));
    ++reads_;
    ++prepared_;
}

void loop::read_completed(read_op& op, int outcome) {
    --reads_;
    if (outcome > 0) {
        op.got += static_cast<std::uint64_t>(outcome);
        op.retries = 0;
        counters_.bytes(static_cast<std::uint64_t>(outcome));
        if (op.got < op.bytes && !op.single) {
            counters_.short_read();
            return to_read_.push_front(op);
        }
    }
    if (outcome >= 0) {
        finish(op, descriptor(op));
        return complete(op);
    }
    bool const passing = outcome == -EINTR || (outcome == -EAGAIN && op.retries < ring_retries_max);
    if (passing) {
        ++op.retries;
        counters_.retry();
        return to_read_.push_front(op);
    }
    if (outcome == -EAGAIN || outcome == -EINVAL || outcome == -EOPNOTSUPP) return read_plainly(op);
    fail(op, read_stage::read, from_errno(-outcome));
    complete(op);
}

void loop::read_plainly(read_op& op) {
    counters_.plain_read();
    op.retries = 0;
    if (read_rest(op, descriptor(op), counters_)) finish(op, descriptor(op));
    complete(op);
}

void loop::complete(read_op& op) {
    if (op.backend_fd >= 0) {
        ::close(op.backend_fd);
        op.backend_fd = -1;
        slots_.give_back();
    }
    counters_.op();
    counters_.took(op, clock_us_);
    op.done(op);
}

// ---- the ring

void loop::arm_wake() {
    auto& sqe = ring_.next_sqe();
    ::io_uring_prep_read(&sqe, inbox_.wake_fd(), &wake_count_, sizeof wake_count_, 0);
    ::io_uring_sqe_set_data64(&sqe, tagged(nullptr, tag::wake));
    wake_armed_ = true;
}

void loop::arm_timer() {
    if (timer_armed_) return;
    pause_.tv_nsec = 1'000'000;
    auto& sqe = ring_.next_sqe();
    ::io_uring_prep_timeout(&sqe, &pause_, 0, 0);
    ::io_uring_sqe_set_data64(&sqe, tagged(nullptr, tag::timer));
    timer_armed_ = true;
}

void loop::completed(std::uint64_t user_data, int outcome) {
    switch (static_cast<tag>(user_data & tag_mask)) {
        case tag::read: return read_completed(untagged<read_op>(user_data), outcome);
        case tag::open: return open_completed(untagged<open_record>(user_data), outcome);
        case tag::wake: wake_armed_ = false; return;
        case tag::timer: timer_armed_ = false; return;
    }
}

}  // namespace submitit::io::uring
