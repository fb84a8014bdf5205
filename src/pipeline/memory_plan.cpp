// SPDX-License-Identifier: Apache-2.0
#include "pipeline/memory_plan.hpp"

#include <algorithm>

#include "base/sizes.hpp"

namespace submitit::pipeline {
namespace {

constexpr std::uint64_t record_bytes_each = sizeof(archive::content) + sizeof(void*);
constexpr std::uint64_t ticket_records_max = plan::ticket_footprint_max + plan::batch_entries_max * record_bytes_each;

}  // namespace

std::uint64_t ticket_records_bytes(plan::ticket const& ticket) noexcept {
    std::uint64_t bytes = sizeof ticket;
    for (auto const& entry : ticket.entries) bytes += entry.footprint_bytes() + record_bytes_each;
    for (auto const& notice : ticket.notices) bytes += notice.footprint_bytes();
    return std::min(bytes, ticket_records_max);
}

memory_plan plan_memory(archive::traits const& format, std::uint64_t memory_bytes, unsigned jobs, bool watched,
                        std::uint64_t source_bytes) noexcept {
    memory_plan made;
    jobs = std::max(jobs, 1U);
    source_bytes = std::max(source_bytes, memory_plan::source_bytes_min);
    auto const walks = watched ? 2U : 1U;
    auto const grant = format.slab_bytes() + ticket_records_max;
    auto const each_worker = format.worker_bytes();
    auto const fixed_for = [&](unsigned workers) {
        return (memory_plan::walk_window_bytes + source_bytes) * walks +
               (format.is_tar() ? memory_plan::link_window_bytes + memory_plan::link_failures_bytes : 0U) +
               archive::traits::spool_window_bytes + memory_plan::planned_tickets * plan::ticket_footprint_max +
               format.container_bytes(workers);
    };
    auto const default_limit = std::max(64 * MiB, 4 * MiB + fixed_for(jobs) + jobs * (each_worker + grant) + 2 * grant);
    auto const limit = memory_bytes != 0 ? memory_bytes : default_limit;
    // A worker without a ticket of its own would only wait.
    made.workers = jobs;
    while (made.workers > 1 && fixed_for(made.workers) + made.workers * (each_worker + grant) + grant > limit)
        --made.workers;
    made.limit_bytes = limit;
    made.engine_bytes = made.workers * each_worker;
    made.booking.head_reserve = {grant, 1};
    made.booking.window_tickets = format.window_tickets(made.workers);
    made.booking.fixed_bytes = fixed_for(made.workers);
    made.needed_bytes = fixed_for(1) + each_worker + grant;
    return made;
}

}  // namespace submitit::pipeline
