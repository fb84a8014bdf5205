// SPDX-License-Identifier: Apache-2.0
#include "pipeline/export.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <future>
#include <string>
#include <thread>

#include "base/errc.hpp"
#include "pipeline/job.hpp"
#include "pipeline/memory_plan.hpp"

namespace submitit::pipeline {

namespace {

std::uint32_t open_files_limit() noexcept {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > 65536) return 65536;
    return static_cast<std::uint32_t>(limit.rlim_cur);
}

}  // namespace

struct running_export::state {
    state(publish::sink& output, live_progress const& live) : to{output}, counted{&live} {}

    void start(export_options options, live_progress& progress);
    void end(export_report report, std::exception_ptr const& thrown = {});

    blocking_output to;
    live_progress const* counted;
    unsigned workers_wanted = 0;
    std::function<void()> on_done;
    io::backend_report backend;
    std::promise<export_report> report;
    std::atomic<bool> done{false};
    std::shared_ptr<job> running;
    std::unique_ptr<engine> runs_on;  // last: its threads end first
};

void running_export::state::start(export_options options, live_progress& progress) {
    export_report refused;
    archive::traits const format{options.format};
    auto const processors = std::max(std::thread::hardware_concurrency(), 1U);
    workers_wanted = options.jobs != 0 ? options.jobs : processors;
    auto const plan = plan_memory(format, options.memory_bytes, workers_wanted, options.watched,
                                  walk::footprint_bytes(options.sources));
    refused.memory_limit_bytes = plan.limit_bytes;
    refused.workers = plan.workers;
    if (plan.needed_bytes > plan.limit_bytes) {
        refused.failure = {
            failure_kind::budget, make_error_code(errc::budget_too_small), {}, std::to_string(plan.needed_bytes)};
        return end(std::move(refused));
    }
    auto const slots = std::max(open_files_limit() / 4, 2U);
    options.io.open_slots = std::min(options.io.open_slots, slots);
    auto selected = io::select_backend(options.io, &backend);
    if (!selected) {
        refused.failure = {failure_kind::io_backend, selected.error(), {}, backend.reason};
        return end(std::move(refused));
    }
    auto threads = std::make_unique<threads_runtime>(std::move(selected->engine), plan.workers, 1);
    runs_on = std::make_unique<engine>(plan.limit_bytes, slots, std::move(threads));
    running = std::make_shared<job>(*runs_on, std::move(options), to, progress, runs_on->runs_on().writing());
    running->start([this](export_report ended, std::exception_ptr const& thrown) { end(std::move(ended), thrown); });
}

void running_export::state::end(export_report ended, std::exception_ptr const& thrown) {
    ended.backend = backend;
    done.store(true);
    if (thrown) report.set_exception(thrown);
    else report.set_value(std::move(ended));
    if (on_done) on_done();
}

running_export::running_export(export_options options, publish::sink& output, live_progress& progress,
                               std::function<void()> on_done)
    : state_{std::make_unique<state>(output, progress)} {
    state_->on_done = std::move(on_done);
    state_->start(std::move(options), progress);
}

/// The engine waits for its threads, and so for the end.
running_export::~running_export() = default;

void running_export::cancel() noexcept {
    if (state_->running) state_->running->cancel();
}

void running_export::pause() noexcept {
    if (state_->running) state_->running->pause();
}

void running_export::resume() noexcept {
    if (state_->running) state_->running->resume();
}

void running_export::tell(status::snapshot& into) const {
    if (!state_->runs_on) return;  // refused at its start
    state_->runs_on->tell(into);
    into.io.reason = state_->backend.reason;
    into.io.fallback_errno = state_->backend.uring_errno;
    into.workers.wanted = state_->workers_wanted;
    auto const& counted = *state_->counted;
    auto const entries = counted.total_entries.load(std::memory_order_relaxed);
    for (auto& job : into.jobs) {
        bool const known = counted.totals_known.load();
        if (job.totals_known || (!known && entries <= job.total_entries)) continue;
        job.totals_known = known;
        job.total_entries = counted.total_entries.load(std::memory_order_relaxed);
        job.total_bytes = counted.total_bytes.load(std::memory_order_relaxed);
    }
}

bool running_export::done() const noexcept { return state_->done.load(); }

export_report running_export::wait() { return state_->report.get_future().get(); }

void count_sources(std::vector<walk::source> sources, walk::walk_options options, live_progress& progress,
                   std::atomic<bool> const& stop) {
    options.xattrs = walk::xattr_policy::none;
    options.names = false;
    options.window_bytes = job_windows{}.walk_bytes;
    options.stopping = [&stop] { return stop.load(std::memory_order_relaxed); };
    walk::walker counting{std::move(sources), std::move(options)};
    walk::entry entry;
    std::uint64_t entries = 0;
    std::uint64_t bytes = 0;
    for (;;) {
        auto const got = counting.next(entry);
        static_cast<void>(counting.take_notices());
        if (!got) return;                             // the export itself will say why
        if (*got == walk::walker::found::end) break;  // also when it was stopped: nobody watches any more
        if (*got == walk::walker::found::notices) continue;
        ++entries;
        if (entry.kind == walk::entry_kind::file) bytes += entry.stat.size;
        progress.total_entries.store(entries, std::memory_order_relaxed);
        progress.total_bytes.store(bytes, std::memory_order_relaxed);
    }
    progress.totals_known.store(true);
}

}  // namespace submitit::pipeline
