// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <vector>

#include "pipeline/options.hpp"
#include "pipeline/report.hpp"
#include "publish/sink.hpp"

namespace submitit::pipeline {

/// Starts one export on a control thread of its own and returns it as a handle; without Asio in the header, for callers
/// that are not coroutines themselves.
class running_export {
public:
    /// `on_done` runs on the control thread as the last thing. The sink, `progress` and `stop` outlive the handle.
    running_export(export_options options, publish::sink& output, live_progress& progress, std::atomic<bool>& stop,
                   std::function<void()> on_done);
    /// Waits for the end.
    ~running_export();
    running_export(running_export const&) = delete;
    running_export& operator=(running_export const&) = delete;

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
