// SPDX-License-Identifier: Apache-2.0
#include "pipeline/memory_plan.hpp"

#include <algorithm>

#include "base/sizes.hpp"

namespace submitit::pipeline {
namespace {

constexpr std::uint64_t record_bytes_each = sizeof(archive::content) + sizeof(void*);

constexpr std::uint64_t ticket_records_max(plan::batch_limits const& limits) noexcept {
    return limits.ticket_footprint_max() + limits.entries_max * record_bytes_each;
}

}  // namespace

job_windows job_windows::of(archive::traits const& format) noexcept {
    job_windows sizes;
    if (!format.options().small_tickets) return sizes;
    sizes.walk_bytes = 32U << 10U;
    sizes.notices_bytes = 4U << 10U;
    sizes.link_bytes = 64U << 10U;
    sizes.link_failures_bytes = 8U << 10U;
    sizes.planned_tickets = 1;
    sizes.source_bytes_min = 2U << 10U;
    sizes.own_bytes = 32U << 10U;
    return sizes;
}

std::uint64_t ticket_records_bytes(plan::ticket const& ticket, plan::batch_limits const& limits) noexcept {
    std::uint64_t bytes = sizeof ticket;
    for (auto const& entry : ticket.entries) bytes += entry.footprint_bytes() + record_bytes_each;
    for (auto const& notice : ticket.notices) bytes += notice.footprint_bytes();
    return std::min(bytes, ticket_records_max(limits));
}

job_memory plan_job(archive::traits const& format, unsigned workers, bool watched,
                    std::uint64_t source_bytes) noexcept {
    auto const sizes = job_windows::of(format);
    auto const walks = watched ? 2U : 1U;
    job_memory made;
    made.encoder_bytes = format.worker_bytes();
    made.booking.head_reserve = {format.slab_bytes() + ticket_records_max(format.limits()), 1};
    made.booking.window_tickets = format.window_tickets(workers);
    made.booking.fixed_bytes = (sizes.walk_bytes + std::max(source_bytes, sizes.source_bytes_min)) * walks +
                               (format.is_tar() ? sizes.link_bytes + sizes.link_failures_bytes : 0U) +
                               format.spool_window_bytes() +
                               sizes.planned_tickets * format.limits().ticket_footprint_max() +
                               format.container_bytes(workers) + sizes.own_bytes;
    return made;
}

memory_plan plan_memory(archive::traits const& format, std::uint64_t memory_bytes, unsigned jobs, bool watched,
                        std::uint64_t source_bytes) noexcept {
    memory_plan made;
    jobs = std::max(jobs, 1U);
    auto const needed = [&](unsigned workers, unsigned more_tickets) {
        auto const one = plan_job(format, workers, watched, source_bytes);
        return one.needed_bytes(workers) + more_tickets * one.booking.head_reserve.bytes;
    };
    auto const default_limit = std::max(64 * MiB, 4 * MiB + needed(jobs, jobs + 1));
    made.limit_bytes = memory_bytes != 0 ? memory_bytes : default_limit;
    // A worker without a ticket of its own would only wait.
    made.workers = jobs;
    while (made.workers > 1 && needed(made.workers, made.workers) > made.limit_bytes) --made.workers;
    made.job = plan_job(format, made.workers, watched, source_bytes);
    made.needed_bytes = needed(1, 0);
    return made;
}

}  // namespace submitit::pipeline
