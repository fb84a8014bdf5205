// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "archive/traits.hpp"
#include "base/result.hpp"
#include "memory/budget.hpp"

namespace submitit::pipeline {

/// How one export divides its budget.
struct memory_plan {
    std::uint64_t limit_bytes = 0;
    unsigned workers = 1;
    std::uint64_t engine_bytes = 0;  ///< codec contexts and scratch of the workers
    memory::booking booking;         ///< windows and head reserve
    std::uint64_t needed_bytes = 0;  ///< the smallest limit that works (one worker, one ticket)

    static constexpr std::size_t walk_window_bytes = 512U << 10U;
    static constexpr std::size_t link_window_bytes = 1U << 20U;
    static constexpr std::size_t link_failures_bytes = 128U << 10U;
    /// Booked for the list of sources at the least, so that what is needed is the same for every short command line.
    static constexpr std::uint64_t source_bytes_min = 16U << 10U;
    static constexpr std::size_t planned_tickets = 2;  ///< waiting between planner and admission
};

/// Fits contexts and tickets into `memory_bytes` (0: the default for this format and level): fewer workers, down to one.
/// When even that does not fit, needed_bytes is above limit_bytes and says the number. `watched`: a counting walk runs
/// beside; `source_bytes`: of the list of sources.
[[nodiscard]] memory_plan plan_memory(archive::traits const& format, std::uint64_t memory_bytes, unsigned jobs,
                                      bool watched, std::uint64_t source_bytes = 0) noexcept;

/// What one ticket's records and read operations may take beside its slab.
[[nodiscard]] std::uint64_t ticket_records_bytes(plan::ticket const& ticket) noexcept;

}  // namespace submitit::pipeline
