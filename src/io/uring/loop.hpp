// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <climits>
#include <memory>
#include <vector>

#include "io/live_counters.hpp"
#include "io/op_queue.hpp"
#include "io/open_slots.hpp"
#include "io/uring/inbox.hpp"
#include "io/uring/ring.hpp"

namespace submitit::io::uring {

/// Bounds that decide the size of the ring: everything the loop can have prepared or in flight fits the submission queue,
/// and so, the completion queue being twice as large, completions can never overflow.
struct loop_limits {
    std::uint32_t open_files;  ///< held at once
    std::uint32_t opens;       ///< opens in flight on the ring
    std::uint32_t reads;       ///< reads in flight
    std::uint32_t open_workers;

    explicit loop_limits(backend_options const& options) noexcept;
    [[nodiscard]] std::uint32_t ring_entries() const noexcept { return opens + reads + 2; }  // + wake-up + timer
};

/// What the I/O thread does: takes operations from the inbox and drives each through open, fstat, read, fstat, close.
///
/// A file whose path is cached is opened right here, without waiting (measured cheaper than an open on the ring); the others go
/// to the kernel's workers. fstat and close are plain calls: the inode is in memory once a file is open.
/// May wait: in the open of a path of PATH_MAX bytes or more, which the ring cannot take, and in reads the ring refuses.
/// Alive:   run() returns only when the inbox is closed and the kernel holds nothing of ours.
class loop {
public:
    loop(ring& with, inbox& from, live_counters& counters, loop_limits limits);
    void run();

private:
    /// What the kernel reads while an open is in flight.
    struct open_record {
        read_op* op;
        ::open_how how;
        char path[PATH_MAX];
    };

    void accept();
    [[nodiscard]] bool start_some();
    [[nodiscard]] bool start_batch();
    [[nodiscard]] bool may_open() const noexcept;
    [[nodiscard]] bool may_read() const noexcept { return !to_read_.empty() && reads_ < limits_.reads; }
    [[nodiscard]] std::uint32_t in_flight() const noexcept;
    [[nodiscard]] bool idle() const noexcept { return in_flight() == 0 && to_open_.empty() && to_read_.empty(); }

    void open_next();
    void open_on_ring(read_op& op);
    void opened(read_op& op, int fd);
    void open_failed(read_op& op, error_code error);
    void read_next(read_op& op);
    void read_plainly(read_op& op);
    void complete(read_op& op);

    void arm_wake();
    void arm_timer();
    void completed(std::uint64_t user_data, int outcome);
    void open_completed(open_record& record, int outcome);
    void read_completed(read_op& op, int outcome);

    ring& ring_;
    inbox& inbox_;
    live_counters& counters_;
    loop_limits const limits_;

    op_queue to_open_;
    op_queue to_read_;
    open_slots slots_;
    std::unique_ptr<open_record[]> records_;
    std::vector<open_record*> free_records_;
    std::uint32_t reads_ = 0;     // in flight
    std::uint32_t opens_ = 0;     // in flight
    std::uint32_t prepared_ = 0;  // since the last batch
    std::uint64_t clock_us_ = 0;  // looked at once before and once after the kernel has its turn
    std::uint64_t wake_count_ = 0;
    ::__kernel_timespec pause_{};
    bool wake_armed_ = false;
    bool timer_armed_ = false;
    bool closed_ = false;
};

}  // namespace submitit::io::uring
