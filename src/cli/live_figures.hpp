// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <mutex>
#include <optional>

#include "archive/traits.hpp"
#include "pipeline/options.hpp"
#include "pipeline/report.hpp"
#include "status/snapshot.hpp"

namespace submitit::cli {

/// A snapshot of the one export of a process, from what it counts while it runs and from its report once there is one.
/// sample() and finish() may come from different threads.
class live_figures {
public:
    live_figures(std::string name, std::string output, archive::format_options const& format,
                 pipeline::live_progress const& live);

    [[nodiscard]] status::snapshot sample();
    void finish(pipeline::export_report const& report);

private:
    using clock = std::chrono::steady_clock;
    void rate(status::job_figures& job, double now);

    std::mutex mutex_;
    pipeline::live_progress const* live_;
    status::snapshot last_;  ///< with its one job
    clock::time_point started_ = clock::now();
    double rated_ = 0;
    std::uint64_t rated_content_ = 0;
    std::uint64_t rated_output_ = 0;
    bool finished_ = false;
};

}  // namespace submitit::cli
