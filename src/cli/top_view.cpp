// SPDX-License-Identifier: Apache-2.0
#include "cli/top_view.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "base/display_name.hpp"
#include "base/sizes.hpp"
#include "http/snapshot_json.hpp"

namespace submitit::cli {
namespace {

using status::job_figures;
using status::snapshot;

constexpr std::size_t bar_cells = 20;

std::string size(double bytes) { return format_size(static_cast<std::uint64_t>(std::max(bytes, 0.0))); }

std::string percent(double share) {
    std::array<char, 16> text{};
    std::snprintf(text.data(), text.size(), "%3.0f%%", std::clamp(share, 0.0, 1.0) * 100);
    return text.data();
}

std::string duration(double seconds) {
    auto const whole = std::lround(std::clamp(seconds, 0.0, 1e9));
    std::array<char, 32> text{};
    if (whole >= 3600)
        std::snprintf(text.data(), text.size(), "%ld:%02ld:%02ld", whole / 3600, whole / 60 % 60, whole % 60);
    else std::snprintf(text.data(), text.size(), "%ld:%02ld", whole / 60, whole % 60);
    return text.data();
}

std::string bar(double share) {
    auto const full = static_cast<std::size_t>(std::clamp(share, 0.0, 1.0) * bar_cells);
    return '[' + std::string(full, '=') + std::string(bar_cells - full, ' ') + ']';
}

std::string padded(std::string text, std::size_t width) {
    if (text.size() < width) text.append(width - text.size(), ' ');
    return text;
}

/// Cut to what fits, between characters.
std::string fitted(std::string const& text, std::size_t columns) {
    std::size_t used = 0;
    std::size_t at = 0;
    while (at < text.size() && used < columns) {
        at += std::max<std::size_t>(utf8_sequence_length(std::string_view{text}.substr(at)), 1);
        ++used;
    }
    return text.substr(0, at);
}

void add_job(std::vector<std::string>& lines, job_figures const& job) {
    auto line = display_name(job.name) + "  " + job.format;
    if (!job.output.empty()) line += " -> " + display_name(job.output);
    lines.push_back(line + "  " + http::name_of(job.state) + ' ' + duration(job.seconds));
    line = "  ";
    if (job.fraction) line += bar(*job.fraction) + ' ' + percent(*job.fraction) + "  ";
    else line += "counting  ";
    line += size(job.bytes_per_second) + "/s";
    if (job.eta_seconds) line += "  ETA " + duration(*job.eta_seconds);
    if (job.eta_error_seconds && *job.eta_error_seconds >= 1) line += " +-" + duration(*job.eta_error_seconds);
    lines.push_back(line);
    lines.push_back("  " + format_count(job.entries) + " of " + (job.totals_known ? "" : "at least ") +
                    format_count(job.total_entries) + " entries  " + format_size(job.content_bytes) + " read  " +
                    format_size(job.output_bytes) + " written");
    if (!job.bound_by.sentence.empty())
        lines.push_back("  " + display_name(job.bound_by.sentence) +
                        (job.bound_by.flag.empty() ? "" : " (" + display_name(job.bound_by.flag) + ')'));
    std::string warned;
    for (auto const& kind : job.warning_counts)
        warned += "  " + display_name(kind.kind) + ' ' + format_count(kind.count);
    if (!warned.empty()) lines.push_back("  warnings:" + warned);
}

status::stage_figures of_all(snapshot const& now, std::size_t stage) {
    status::stage_figures sum;
    for (auto const& job : now.jobs) {
        sum.busy_seconds += job.stage[stage].busy_seconds;
        sum.waiting_seconds += job.stage[stage].waiting_seconds;
        sum.depth += job.stage[stage].depth;
    }
    return sum;
}

void add_stages(std::vector<std::string>& lines, snapshot const& now, snapshot const& before) {
    auto const passed = now.time_seconds - before.time_seconds;
    lines.push_back(padded("stage", 14) + padded("busy", 8) + padded("waiting", 10) + "in it");
    for (std::size_t i = 0; i < status::stages; ++i) {
        auto const is = of_all(now, i);
        auto const was = of_all(before, i);
        auto const share = [passed](double a,
                                    double b) {  // of one thread's time, so several may add up to more than 100 %
            std::array<char, 32> text{};
            if (passed <= 0) return std::string{"-"};
            std::snprintf(text.data(), text.size(), "%.0f%%", std::max(a - b, 0.0) / passed * 100);
            return std::string{text.data()};
        };
        lines.push_back(padded(http::name_of(static_cast<status::stage>(i)), 14) +
                        padded(share(is.busy_seconds, was.busy_seconds), 8) +
                        padded(share(is.waiting_seconds, was.waiting_seconds), 10) + format_count(is.depth));
    }
}

void add_engine(std::vector<std::string>& lines, snapshot const& now) {
    auto const& budget = now.budget;
    if (budget.limit_bytes > 0)
        lines.push_back("memory  " +
                        bar(static_cast<double>(budget.used_bytes) / static_cast<double>(budget.limit_bytes)) + ' ' +
                        format_size(budget.used_bytes) + " of " + format_size(budget.limit_bytes) + ", most " +
                        format_size(budget.high_water_bytes));
    lines.push_back("workers " + std::to_string(now.workers.busy) + " of " + std::to_string(now.workers.workers) +
                    " busy, " + format_count(now.workers.queued) + " tickets waiting;  reads " +
                    format_count(now.io.reads_in_flight) + " in flight (" + display_name(now.io.backend) + ')');
    lines.push_back("process " + format_size(now.process.resident_bytes) + " resident, " +
                    format_count(now.process.descriptors) + " descriptors, " + duration(now.process.cpu_seconds) +
                    " of processor time");
}

}  // namespace

std::vector<std::string> top_lines(snapshot const& now, snapshot const& before, std::size_t columns) {
    std::vector<std::string> lines;
    for (auto const& job : now.jobs) add_job(lines, job);
    if (now.jobs.empty()) lines.emplace_back("no export is under way");
    lines.emplace_back();
    add_stages(lines, now, before);
    lines.emplace_back();
    add_engine(lines, now);
    for (auto& line : lines) line = fitted(line, columns);
    return lines;
}

}  // namespace submitit::cli
