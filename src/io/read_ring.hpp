// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>

#include "io/backend.hpp"
#include "io/op_queue.hpp"

namespace submitit::io {

/// A ring without a thread: reads are submitted by whoever starts them and reaped by whoever sees its descriptor readable.
///
/// Threads: any, one at a time: the caller serialises every call. No submitting thread has to stay.
/// Alive:   destroyed only with nothing in flight.
class read_ring {
public:
    read_ring() = default;
    read_ring(read_ring const&) = delete;
    read_ring& operator=(read_ring const&) = delete;
    virtual ~read_ring() = default;

    /// Readable, in the sense of poll(2), while something waits to be reaped. Stays the ring's.
    [[nodiscard]] virtual int poll_fd() const noexcept = 0;
    [[nodiscard]] virtual std::uint32_t in_flight() const noexcept = 0;

    /// Gives the kernel one read of an open file. False: it takes no more now, and has nothing of this one.
    [[nodiscard]] virtual bool start(read_op& op) noexcept = 0;

    /// Moves what is complete to `to`: with `got` grown, or with `error`, which may be one that another attempt would not meet.
    virtual void reap(op_queue& to) noexcept = 0;
    /// Waits until there is something to reap; only with something in flight.
    virtual void wait() noexcept = 0;
};

/// Fails: without io_uring, or with errno of the set-up. Costs a descriptor and some 20 KiB of the kernel's memory.
[[nodiscard]] result<std::unique_ptr<read_ring>> open_read_ring(std::uint32_t reads_max);

}  // namespace submitit::io
