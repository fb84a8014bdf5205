// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "archive/traits.hpp"
#include "base/result.hpp"
#include "memory/budget.hpp"

namespace submitit::pipeline {

/// What a job holds in memory at most before it spills, beside its tickets. The container's directory is bounded by its traits.
struct job_windows {
    std::size_t walk_bytes = 512U << 10U;
    std::size_t notices_bytes = 64U << 10U;  ///< of the walk, beyond walk_bytes
    std::size_t link_bytes = 1U << 20U;      ///< first names of hard links
    std::size_t link_failures_bytes = 128U << 10U;
    std::size_t planned_tickets = 2;  ///< waiting for admission
    /// Booked for the list of sources at the least, so that what is needed is the same for every short list.
    std::uint64_t source_bytes_min = 16U << 10U;
    /// Objects of the job itself: coroutines, queues, buffers of its container.
    std::uint64_t own_bytes = 0;

    [[nodiscard]] static job_windows of(archive::traits const& format) noexcept;
};

/// What one export books in its engine's budget.
struct job_memory {
    memory::booking booking;          ///< windows and head reserve
    std::uint64_t encoder_bytes = 0;  ///< codec context and scratch of one worker
    [[nodiscard]] std::uint64_t needed_bytes(unsigned workers) const noexcept {
        return booking.fixed_bytes + booking.head_reserve.bytes + workers * encoder_bytes;
    }
};

/// `watched`: a counting walk runs beside; `source_bytes`: of the list of sources.
[[nodiscard]] job_memory plan_job(archive::traits const& format, unsigned workers, bool watched,
                                  std::uint64_t source_bytes = 0) noexcept;

/// How an engine that runs a single export divides its budget.
struct memory_plan {
    std::uint64_t limit_bytes = 0;
    unsigned workers = 1;
    job_memory job;
    std::uint64_t needed_bytes = 0;  ///< the smallest limit that works (one worker, one ticket)
};

/// Fits contexts and tickets into `memory_bytes` (0: the default for this format and level): fewer workers, down to one.
/// When even that does not fit, needed_bytes is above limit_bytes and says the number.
[[nodiscard]] memory_plan plan_memory(archive::traits const& format, std::uint64_t memory_bytes, unsigned jobs,
                                      bool watched, std::uint64_t source_bytes = 0) noexcept;

/// What one ticket's records and read operations may take beside its slab.
[[nodiscard]] std::uint64_t ticket_records_bytes(plan::ticket const& ticket, plan::batch_limits const& limits) noexcept;

}  // namespace submitit::pipeline
