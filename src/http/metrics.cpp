// SPDX-License-Identifier: Apache-2.0
#include "http/metrics.hpp"

#include <array>
#include <functional>
#include <utility>

#include "http/metric_text.hpp"
#include "http/snapshot_json.hpp"

namespace submitit::http {
namespace {

using status::job_figures;
using status::snapshot;
using status::stage_figures;

constexpr std::array job_states{status::job_state::waiting,    status::job_state::running, status::job_state::paused,
                                status::job_state::publishing, status::job_state::done,    status::job_state::failed,
                                status::job_state::cancelled};
constexpr std::array bounds{status::bound::nothing, status::bound::disk, status::bound::cpu,
                            status::bound::memory,  status::bound::sink, status::bound::walk};

void write_build(metric_text& to, snapshot const& now) {
    to.info("submitit_build", "Version, compiler and kernel.");
    to.info_sample({{"version", now.build.version}, {"compiler", now.build.compiler}, {"kernel", now.build.kernel}});
    to.info("submitit_io_backend", "How files are read, and why so.");
    to.info_sample({{"backend", now.io.backend}, {"reason", now.io.reason}});
    to.gauge("submitit_io_fallback_errno", "", "Why the ring of the kernel is not used; 0 when it is.");
    to.sample({}, static_cast<double>(now.io.fallback_errno));
}

void write_process(metric_text& to, snapshot const& now) {
    auto const& one = now.process;
    to.gauge("process_resident_memory_bytes", "bytes", "Resident memory size in bytes.");
    to.sample({}, one.resident_bytes);
    to.gauge("process_open_fds", "", "Number of open file descriptors.");
    to.sample({}, one.descriptors);
    to.gauge("process_max_fds", "", "Maximum number of open file descriptors.");
    to.sample({}, one.descriptors_max);
    to.counter("process_cpu_seconds", "seconds", "Total user and system CPU time spent in seconds.");
    to.sample({}, one.cpu_seconds);
    to.gauge("process_start_time_seconds", "seconds", "Start time of the process since unix epoch in seconds.");
    to.sample({}, one.start_time_seconds);
}

void write_budget(metric_text& to, snapshot const& now) {
    auto const& one = now.budget;
    to.gauge("submitit_budget_limit_bytes", "bytes", "What buffers and codecs may take together (--memory).");
    to.sample({}, one.limit_bytes);
    to.gauge("submitit_budget_used_bytes", "bytes", "What they take now.");
    to.sample({}, one.used_bytes);
    to.gauge("submitit_budget_committed_bytes", "bytes", "Used, and what every export may need to go on.");
    to.sample({}, one.committed_bytes);
    to.gauge("submitit_budget_high_water_bytes", "bytes", "Most that was ever used.");
    to.sample({}, one.high_water_bytes);
    to.gauge("submitit_budget_engine_bytes", "bytes", "Booked by the engine itself: encoders and windows.");
    to.sample({}, one.engine_bytes);
    to.counter(
        "submitit_budget_grants", "",
        "Tickets granted memory, by rule: the reserve of the oldest ticket, or the pool. A share of the reserve near "
        "one means that the budget is too small.");
    to.sample({{"rule", "reserve"}}, one.grants_from_reserve);
    to.sample({{"rule", "pool"}}, one.grants_from_pool);
    to.gauge("submitit_budget_slots_limit", "", "Descriptors that tickets in flight may hold.");
    to.sample({}, std::uint64_t{one.limit_slots});
    to.gauge("submitit_budget_slots_used", "", "Descriptors that tickets in flight hold.");
    to.sample({}, std::uint64_t{one.used_slots});
}

void write_io(metric_text& to, snapshot const& now) {
    auto const& one = now.io;
    to.gauge("submitit_io_reads_in_flight", "", "Reads the backend has in hand.");
    to.sample({}, one.reads_in_flight);
    to.gauge("submitit_io_opens_in_flight", "", "Opens the backend has in hand.");
    to.sample({}, one.opens_in_flight);
    to.counter("submitit_io_operations", "", "Operations given to the kernel by the backend.");
    to.sample({}, one.operations);
    to.counter("submitit_io_bytes", "bytes", "Bytes read by the backend.");
    to.sample({}, one.bytes);
    to.counter("submitit_io_short_reads", "", "Reads that brought less than was asked, and were continued.");
    to.sample({}, one.short_reads);
    to.counter("submitit_io_retries", "", "Operations given again, after EINTR or EAGAIN.");
    to.sample({}, one.retries);
    to.counter("submitit_io_descriptor_waits", "", "Reads that waited for a descriptor.");
    to.sample({}, one.descriptor_waits);
    to.counter("submitit_io_plain_reads", "", "Reads the ring left to plain system calls.");
    to.sample({}, one.plain_reads);
    to.counter("submitit_io_cached_reads", "", "Reads that workers did by themselves, out of the page cache.");
    to.sample({}, one.cached_reads);
    to.histogram("submitit_io_batch_operations", "", "Operations given to the kernel by one submission.",
                 one.batch_size);
    to.histogram("submitit_io_read_duration_seconds", "seconds", "From submission to completion of a read.",
                 one.read_seconds);
}

void write_workers(metric_text& to, snapshot const& now) {
    auto const& one = now.workers;
    to.gauge("submitit_workers", "", "Threads that read what is cached, and compress (--jobs).");
    to.sample({}, std::uint64_t{one.workers});
    to.gauge("submitit_workers_busy", "", "Of them at work now.");
    to.sample({}, std::uint64_t{one.busy});
    to.counter("submitit_workers_busy_seconds", "seconds", "Time they were at work, summed.");
    to.sample({}, one.busy_seconds);
    to.gauge("submitit_workers_queued_tickets", "", "Tickets that wait for a worker.");
    to.sample({}, one.queued);
    to.gauge("submitit_workers_wanted", "",
             "Threads that would have been started had the budget had room for them; 0 when all were.");
    to.sample({}, std::uint64_t{one.wanted});
    to.gauge("submitit_processors", "", "Processors of the machine, for this process.");
    to.sample({}, std::uint64_t{one.processors});
}

/// A sample for each export under way or just ended.
template <class Value>
void each_export(metric_text& to, snapshot const& now, Value value) {
    for (auto const& one : now.jobs) to.sample({{"export", std::to_string(one.id)}}, value(one));
}

void write_info(metric_text& to, snapshot const& now) {
    to.info("submitit_export", "What an export is called, writes and how.");
    for (auto const& one : now.jobs)
        to.info_sample({{"export", std::to_string(one.id)},
                        {"name", one.name},
                        {"output", one.output},
                        {"format", one.format},
                        {"level", std::to_string(one.level)}});
    to.gauge("submitit_export_state", "", "1 for the state an export is in.");
    for (auto const& one : now.jobs)
        for (auto const state : job_states)
            to.sample({{"export", std::to_string(one.id)}, {"state", name_of(state)}},
                      std::uint64_t{one.state == state});
    to.gauge("submitit_export_bound", "", "1 for what an export is bound by now.");
    for (auto const& one : now.jobs)
        for (auto const by : bounds)
            to.sample({{"export", std::to_string(one.id)}, {"by", name_of(by)}}, std::uint64_t{one.bound_by.by == by});
}

void write_counts(metric_text& to, snapshot const& now) {
    to.gauge("submitit_export_elapsed_seconds", "seconds", "Since the export began.");
    each_export(to, now, [](job_figures const& one) { return one.seconds; });
    to.counter("submitit_export_paused_seconds", "seconds", "Of the elapsed time, paused.");
    each_export(to, now, [](job_figures const& one) { return one.paused_seconds; });
    to.counter("submitit_export_entries", "", "Entries in the archive.");
    each_export(to, now, [](job_figures const& one) { return one.entries; });
    to.counter("submitit_export_files", "", "Regular files in the archive.");
    each_export(to, now, [](job_figures const& one) { return one.files; });
    to.counter("submitit_export_content_bytes", "bytes", "Content of files in the archive, before compression.");
    each_export(to, now, [](job_figures const& one) { return one.content_bytes; });
    to.counter("submitit_export_output_bytes", "bytes", "Bytes of the archive, written.");
    each_export(to, now, [](job_figures const& one) { return one.output_bytes; });
    to.gauge("submitit_export_expected_entries", "",
             "Entries there will be; as counted so far while the total is not known.");
    each_export(to, now, [](job_figures const& one) { return one.total_entries; });
    to.gauge("submitit_export_expected_bytes", "bytes",
             "Content there will be; as counted so far while the total is not known.");
    each_export(to, now, [](job_figures const& one) { return one.total_bytes; });
    to.gauge("submitit_export_totals_known", "", "1 once the expected figures are final.");
    each_export(to, now, [](job_figures const& one) { return std::uint64_t{one.totals_known}; });
    to.counter("submitit_export_head_stall_seconds", "seconds", "The ticket all others waited for had no memory.");
    each_export(to, now, [](job_figures const& one) { return one.head_stall_seconds; });
    to.counter("submitit_export_window_wait_seconds", "seconds",
               "Tickets waited though there was memory, as enough of them were in flight; summed.");
    each_export(to, now, [](job_figures const& one) { return one.window_wait_seconds; });
}

/// Names as in the JSON of /status.
void write_idle(metric_text& to, snapshot const& now) {
    using status::idle_figures;
    static constexpr std::array<std::pair<char const*, double idle_figures::*>, 5> reasons{{
        {"device", &idle_figures::device_seconds},
        {"budget", &idle_figures::budget_seconds},
        {"window", &idle_figures::window_seconds},
        {"walk", &idle_figures::walk_seconds},
        {"links", &idle_figures::links_seconds},
    }};
    to.counter("submitit_workers_idle_seconds", "seconds",
               "Workers without work until a ticket of an export came, by what it came late from; summed.");
    for (auto const& one : now.jobs)
        for (auto const& [reason, member] : reasons)
            to.sample({{"export", std::to_string(one.id)}, {"reason", reason}}, one.idle.*member);
}

/// A sample for each export that knows it.
void each_known(metric_text& to, snapshot const& now, std::optional<double> job_figures::* member) {
    for (auto const& one : now.jobs)
        if (one.*member) to.sample({{"export", std::to_string(one.id)}}, *(one.*member));
}

void write_outlook(metric_text& to, snapshot const& now) {
    to.gauge("submitit_export_progress_ratio", "ratio", "Done, from 0 to 1; absent until the total is known.");
    each_known(to, now, &job_figures::fraction);
    to.gauge("submitit_export_eta_seconds", "seconds", "Until the end; absent while nobody can tell.");
    each_known(to, now, &job_figures::eta_seconds);
    to.gauge("submitit_export_eta_error_seconds", "seconds", "Half of the range in which the last estimates moved.");
    each_known(to, now, &job_figures::eta_error_seconds);
    auto const kinds = [&](bool notes) {
        for (auto const& one : now.jobs)
            for (auto const& kind : one.warning_counts)
                if (kind.note == notes)
                    to.sample({{"export", std::to_string(one.id)}, {"kind", kind.kind}}, kind.count);
    };
    to.counter("submitit_export_warnings", "", "What could not be stored as it is, by kind.");
    kinds(false);
    to.counter("submitit_export_notes", "", "What is worth saying but no warning, by kind.");
    kinds(true);
}

template <class Value>
void each_stage(metric_text& to, snapshot const& now, Value value) {
    for (auto const& one : now.jobs)
        for (std::size_t i = 0; i < status::stages; ++i)
            to.sample({{"export", std::to_string(one.id)}, {"stage", name_of(static_cast<status::stage>(i))}},
                      value(one.stage[i]));
}

void write_stages(metric_text& to, snapshot const& now) {
    to.counter("submitit_stage_busy_seconds", "seconds", "A stage at work, summed over threads.");
    each_stage(to, now, [](stage_figures const& one) { return one.busy_seconds; });
    to.counter("submitit_stage_waiting_seconds", "seconds",
               "Tickets waiting in a stage, summed; for walk and sink, blocked.");
    each_stage(to, now, [](stage_figures const& one) { return one.waiting_seconds; });
    to.counter("submitit_stage_items", "", "What left a stage: entries of walk, reads of read, tickets of the others.");
    each_stage(to, now, [](stage_figures const& one) { return one.items; });
    to.counter("submitit_stage_bytes", "bytes", "Bytes that left a stage.");
    each_stage(to, now, [](stage_figures const& one) { return one.bytes; });
    to.gauge("submitit_stage_depth", "", "What is in a stage now.");
    each_stage(to, now, [](stage_figures const& one) { return one.depth; });
}

}  // namespace

std::string metrics_text(status::snapshot const& now, metrics_format format) {
    metric_text text{format};
    write_build(text, now);
    write_process(text, now);
    write_budget(text, now);
    write_io(text, now);
    write_workers(text, now);
    write_info(text, now);
    write_counts(text, now);
    write_idle(text, now);
    write_outlook(text, now);
    write_stages(text, now);
    return std::move(text).end();
}

char const* media_type(metrics_format format) noexcept {
    return format == metrics_format::openmetrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                                 : "text/plain; version=0.0.4; charset=utf-8";
}

}  // namespace submitit::http
