// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <vector>

#include "pipeline/options.hpp"
#include "pipeline/report.hpp"
#include "publish/sink.hpp"
#include "status/snapshot.hpp"

namespace submitit::pipeline {

/// One export with an engine of its own, as a handle for callers that are not coroutines themselves.
class running_export {
public:
    /// Starts it. `on_done` runs as the last thing, on a thread of the export (or here, when it cannot even start). The sink
    /// and `progress` outlive the handle.
    running_export(export_options options, publish::sink& output, live_progress& progress,
                   std::function<void()> on_done);
    /// Waits for the end.
    ~running_export();
    running_export(running_export const&) = delete;
    running_export& operator=(running_export const&) = delete;

    /// What is in flight drains, then it ends. From any thread.
    void cancel() noexcept;
    /// See job::pause(). From any thread.
    void pause() noexcept;
    void resume() noexcept;
    /// What goes on, from its beginning until after its end; all but what the sampler adds. From any thread; delays nobody.
    void tell(status::snapshot& into) const;
    [[nodiscard]] bool done() const noexcept;
    /// Waits for the end; once.
    [[nodiscard]] export_report wait();

private:
    struct state;
    std::unique_ptr<state> state_;
};

/// Counts what an export of these sources would see, into progress.total_*; for a percentage. Blocks; ends early on `stop`.
void count_sources(std::vector<walk::source> sources, walk::walk_options options, live_progress& progress,
                   std::atomic<bool> const& stop);

}  // namespace submitit::pipeline
