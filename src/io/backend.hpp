// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/file_stat.hpp"
#include "base/result.hpp"
#include "status/snapshot.hpp"

namespace submitit::io {

/// Where a read stopped.
enum class read_stage : std::uint8_t { open, stat, read, done };

/// One positional read of one regular file: open (unless `fd` is given), fstat, read, fstat, close, as one unit.
///
/// The record is the caller's and lives, together with the bytes, until `done` was called: the kernel may write into
/// the buffer until then, cancelled or not. Fields above the line are the request, fields below it the outcome.
///
/// An attempt may be continued: with `got` > 0 the first `got` bytes stand and reading goes on behind them, but only
/// when the file is still the one in `before` (all zero: the caller vouches for it); if not, it is read from the start.
struct read_op {
    int root_fd = -1;       ///< directory the path is confined to (open_beneath)
    std::string_view path;  ///< relative to root_fd
    bool follow_links = false;
    bool one_file_system = false;
    int fd = -1;          ///< >= 0: already open; then nothing is opened, and it is not closed
    bool single = false;  ///< `fd` is vouched for: one read and nothing else, no fstat; a short count is the answer
    std::byte* data = nullptr;
    std::uint64_t bytes = 0;  ///< how many are wanted; a short count means the file ended before
    std::uint64_t offset = 0;
    void (*done)(read_op&) noexcept = nullptr;  ///< runs on a thread of the backend, must not block; may free the op
    void* context = nullptr;                    ///< the caller's

    // ---- outcome
    std::uint64_t got = 0;  ///< bytes in `data`; kept when an attempt is continued by another backend
    file_stat before;       ///< fstat after the open
    file_stat after;        ///< fstat after the last byte
    error_code error;       ///< ENXIO when the path leads to something that is no regular file; else as the call said
    read_stage stage = read_stage::open;

    // ---- the backend's own; start values for every submission
    std::uint8_t retries = 0;
    std::uint32_t clock_us = 0;  ///< when the backend began with it (modulo 2^32); once it is done, how long that took
    read_op* next = nullptr;     ///< intrusive list
    int backend_fd = -1;
};

/// A worker's own attempt: reads only what is in the page cache, without ever waiting for a disk
/// (RESOLVE_CACHED, RWF_NOWAIT). True: the op is finished, successfully or not, `done` was NOT called. False: some of
/// it would wait, or no descriptor is left; hand the op to a backend, which continues at `got`.
///
/// Runs: on any thread. Opens at most one descriptor, closed again before it returns.
/// Not promised: file systems whose open asks a server (FUSE, NFS) may wait in it, cached or not.
[[nodiscard]] bool try_cached_read(read_op& op) noexcept;

enum class backend_kind : std::uint8_t { automatic, uring, threads };

/// What was probed, chosen and why; for doctor, --json and the summary.
struct backend_report {
    backend_kind chosen = backend_kind::threads;
    std::string reason;          ///< one sentence: "io_uring_setup refused: Operation not permitted (EPERM): ..."
    int uring_errno = 0;         ///< 0 when the ring works
    std::string uring_features;  ///< flags in use: "SINGLE_ISSUER DEFER_TASKRUN SUBMIT_ALL"
    bool openat2 = false;
    bool cached_reads = false;  ///< RESOLVE_CACHED and RWF_NOWAIT work
};

/// Monotone counters, readable from any thread.
struct backend_counters {
    std::uint64_t ops = 0;
    std::uint64_t bytes = 0;
    std::uint64_t short_reads = 0;       ///< continued
    std::uint64_t retries = 0;           ///< EINTR, EAGAIN
    std::uint64_t descriptor_waits = 0;  ///< EMFILE or ENFILE: concurrency lowered, the open tried again
    std::uint64_t plain_reads = 0;       ///< uring only: reads the ring refused for that file, done with pread(2)
};

/// Defaults: all 78,579 files of a source tree, cold, 16 MiB of buffers, 2 cores, ext4 on a virtio disk (perf/micro/read_bench):
/// depth 32, 64, 128, 256 took 2.8, 2.4, 1.9, 2.0 s; 8, 16, 32, 64 threads 3.0, 2.6, 2.2, 2.1 s.
struct backend_options {
    backend_kind kind = backend_kind::automatic;
    std::uint32_t open_slots = 128;  ///< descriptors the backend may hold at once
    std::uint32_t depth = 128;       ///< reads in flight at once
    std::uint32_t threads = 32;  ///< of the thread-pool backend; of the kernel's workers that open files for the ring
};

/// Reads files. Implementations: uring (one I/O thread, one private ring), threads (a pool of them, one blocking read each).
///
/// Threads:  submit() from any thread. `done` is called exactly once an op, on a backend thread, in any order.
/// Fails:    only through read_op::error. Short reads are continued until `bytes` or the end of the file, unless `single`;
///           EINTR and EAGAIN are retried; EMFILE and ENFILE lower the number of files held open, and the op is tried again when another
///           has closed its own (at least one op always makes progress; alone, it waits a millisecond and retries).
/// Lifetime: the destructor waits until every op submitted has completed.
class backend {
public:
    backend() = default;
    backend(backend const&) = delete;
    backend& operator=(backend const&) = delete;
    virtual ~backend() = default;

    /// Takes a list of ops linked by `next`.
    virtual void submit(read_op* first) noexcept = 0;
    [[nodiscard]] virtual backend_kind kind() const noexcept = 0;
    [[nodiscard]] virtual backend_counters counters() const noexcept = 0;
    /// What is in flight now, and the histograms; from any thread.
    virtual void tell(status::io_figures&) const {}
};

struct selection {
    std::unique_ptr<backend> engine;
    backend_report report;
};

/// Probes (set-up, opcode probe, one NOP, one real read) and chooses. `kind` automatic is overridden by the environment
/// variable SUBMITIT_IO_BACKEND=auto|uring|threads. uring by name never falls back: errc::io_uring_unavailable, with
/// the reason in `report` when it is not null.
[[nodiscard]] result<selection> select_backend(backend_options const& options, backend_report* report = nullptr);

/// The probe alone, for doctor.
[[nodiscard]] backend_report probe();

[[nodiscard]] char const* to_string(backend_kind kind) noexcept;
[[nodiscard]] result<backend_kind> parse_backend_kind(std::string_view text) noexcept;

}  // namespace submitit::io
