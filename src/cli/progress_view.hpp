// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>

#include "cli/export_arguments.hpp"
#include "cli/live_figures.hpp"
#include "pipeline/options.hpp"
#include "pipeline/report.hpp"

namespace submitit::cli {

/// Shows a running export on standard error: one redrawn line on a terminal (a wide one: two), plain lines, or JSON lines. tick()
/// comes from one thread, print() from any.
class progress_view {
public:
    progress_view(progress_mode mode, pipeline::live_progress const& live);
    ~progress_view() { clear(); }
    progress_view(progress_view const&) = delete;
    progress_view& operator=(progress_view const&) = delete;

    /// Redraws when it is time, and looks at the export when that is long ago. Cheap; call it a few times a second.
    void tick(live_figures& watching);
    /// A line of its own, above the bar.
    void print(std::string const& line);
    /// Takes the bar away.
    void clear();
    /// After an export that succeeded: the bar goes, plain and JSON lines end with one that has reached the total.
    void finish(pipeline::export_report const& report);

    [[nodiscard]] bool wants_totals() const noexcept { return mode_ != progress_mode::none; }

private:
    using clock = std::chrono::steady_clock;
    struct figures {
        double seconds;
        std::uint64_t entries;
        std::uint64_t bytes;
        std::uint64_t output_bytes;
        double rate;       // bytes a second, of late
        double fraction;   // 0..1, or negative while the total is not known
        double eta;        // seconds, or negative
        double eta_error;  // seconds, or negative
        status::verdict bound_by;
        bool totals_known;
        std::uint64_t total_entries;
        std::uint64_t total_bytes;
    };
    [[nodiscard]] figures measure(clock::time_point now) const;
    void look(live_figures& watching, clock::time_point now);
    void show(figures const& at);
    void draw_bar(figures const& at);
    [[nodiscard]] std::string bar_line(figures const& at, std::size_t columns) const;
    void erase();
    void print_plain(figures const& at) const;
    void print_json(figures const& at) const;

    progress_mode mode_;
    pipeline::live_progress const* live_;
    std::mutex mutex_;
    clock::time_point started_ = clock::now();
    clock::time_point drawn_ = started_;
    clock::time_point looked_ = started_;
    status::job_figures seen_;
    bool shown_ = false;
};

/// What "auto" means here: a bar on a terminal that can redraw, nothing elsewhere. Where it cannot, "bar" means plain lines.
[[nodiscard]] progress_mode choose_progress(std::string const& wanted, bool quiet);

}  // namespace submitit::cli
