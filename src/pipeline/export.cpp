// SPDX-License-Identifier: Apache-2.0
#include "pipeline/export.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/thread_pool.hpp>

#include "pipeline/job.hpp"
#include "pipeline/memory_plan.hpp"

namespace submitit::pipeline {

namespace asio = boost::asio;

struct running_export::state {
    state(export_options options, publish::sink& output, live_progress& progress, std::atomic<bool>& stop)
        : export_job{std::move(options), output, progress, stop} {}
    job export_job;
    export_report report;
    std::exception_ptr thrown;
    std::atomic<bool> done{false};
    asio::thread_pool control{1};  // last: joined before the job goes. A pool without I/O objects holds no descriptor.
};

running_export::running_export(export_options options, publish::sink& output, live_progress& progress,
                               std::atomic<bool>& stop, std::function<void()> on_done)
    : state_{std::make_unique<state>(std::move(options), output, progress, stop)} {
    asio::co_spawn(state_->control, state_->export_job.run(),
                   [this, notify = std::move(on_done)](std::exception_ptr const& thrown, export_report report) {
                       state_->thrown = thrown;
                       state_->report = std::move(report);
                       state_->done.store(true);
                       if (notify) notify();
                   });
}

running_export::~running_export() { state_->control.join(); }

bool running_export::done() const noexcept { return state_->done.load(); }

export_report running_export::wait() {
    state_->control.join();
    if (state_->thrown) std::rethrow_exception(state_->thrown);
    return std::move(state_->report);
}

void count_sources(std::vector<walk::source> sources, walk::walk_options options, live_progress& progress,
                   std::atomic<bool> const& stop) {
    options.xattrs = walk::xattr_policy::none;
    options.names = false;
    options.window_bytes = memory_plan::walk_window_bytes;
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
