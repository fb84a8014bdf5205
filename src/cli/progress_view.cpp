// SPDX-License-Identifier: Apache-2.0
#include "cli/progress_view.hpp"

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "base/sizes.hpp"
#include "cli/messages.hpp"

namespace submitit::cli {
namespace {

constexpr std::size_t bar_cells = 24;

std::size_t terminal_columns() noexcept {
    winsize size{};
    if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
    return 80;
}

std::string duration(double seconds) {
    auto const whole = std::lround(seconds);
    std::array<char, 32> text{};
    if (whole >= 3600) {
        std::snprintf(text.data(), text.size(), "%ld:%02ld:%02ld", whole / 3600, whole / 60 % 60, whole % 60);
    } else {
        std::snprintf(text.data(), text.size(), "%ld:%02ld", whole / 60, whole % 60);
    }
    return text.data();
}

void put(std::string_view text) { static_cast<void>(::write(STDERR_FILENO, text.data(), text.size()) < 0); }

/// Whether a line can be written now: a reader that stalls must not hold up the thread that waits for signals.
bool has_room() noexcept {
    pollfd to{STDERR_FILENO, POLLOUT, 0};
    return ::poll(&to, 1, 0) == 1 && (to.revents & POLLOUT) != 0;
}

}  // namespace

progress_mode choose_progress(std::string const& wanted, bool quiet) {
    if (wanted == "bar") return progress_mode::bar;
    if (wanted == "plain") return progress_mode::plain;
    if (wanted == "json") return progress_mode::json;
    if (wanted == "none" || quiet) return progress_mode::none;
    char const* const term = std::getenv("TERM");
    bool const can_redraw = ::isatty(STDERR_FILENO) != 0 && term != nullptr && std::string_view{term} != "dumb";
    return can_redraw ? progress_mode::bar : progress_mode::none;
}

progress_view::progress_view(progress_mode mode, pipeline::live_progress const& live) : mode_{mode}, live_{&live} {}

progress_view::figures progress_view::measure(clock::time_point now) {
    figures at{};
    at.seconds = std::chrono::duration<double>(now - started_).count();
    at.entries = live_->entries.load(std::memory_order_relaxed);
    at.bytes = live_->content_bytes.load(std::memory_order_relaxed);
    at.output_bytes = live_->output_bytes.load(std::memory_order_relaxed);
    auto const since = std::chrono::duration<double>(now - rated_).count();
    if (since >= 0.5) {  // smoothed over a few seconds
        auto const latest = static_cast<double>(at.bytes - std::min(rated_bytes_, at.bytes)) / since;
        rate_ = rated_ == started_ ? latest : rate_ * 0.7 + latest * 0.3;
        rated_ = now;
        rated_bytes_ = at.bytes;
    }
    at.rate = rate_;
    at.fraction = at.eta = -1;
    at.totals_known = live_->totals_known.load();
    at.total_entries = live_->total_entries.load();
    at.total_bytes = live_->total_bytes.load();
    if (at.totals_known) {
        // An entry costs about what 16 KiB of content costs, so a tree of empty files moves the bar too.
        auto const weight = [](std::uint64_t bytes, std::uint64_t entries) {
            return static_cast<double>(bytes) + 16384.0 * static_cast<double>(entries);
        };
        auto const all = weight(at.total_bytes, at.total_entries);
        at.fraction = all > 0 ? std::min(weight(at.bytes, at.entries) / all, 1.0) : 1.0;
        if (at.fraction > 0.01) at.eta = at.seconds * (1 - at.fraction) / at.fraction;
    }
    return at;
}

void progress_view::tick() {
    if (mode_ == progress_mode::none) return;
    auto const now = clock::now();
    auto const every = mode_ == progress_mode::bar    ? std::chrono::milliseconds{200}
                       : mode_ == progress_mode::json ? std::chrono::milliseconds{1000}
                                                      : std::chrono::milliseconds{5000};
    std::unique_lock const lock{mutex_, std::try_to_lock};
    if (!lock.owns_lock() || now - drawn_ < every || !has_room()) return;  // a notice is being written, perhaps slowly
    drawn_ = now;
    show(measure(now));
}

void progress_view::finish(pipeline::export_report const& report) {
    clear();
    std::lock_guard const lock{mutex_};
    if (mode_ != progress_mode::plain && mode_ != progress_mode::json) return;
    auto at = measure(clock::now());
    at.entries = at.total_entries = report.entries;
    at.bytes = at.total_bytes = report.content_bytes;
    at.output_bytes = report.output_bytes;
    at.totals_known = true;
    at.fraction = 1;
    at.eta = -1;
    at.rate = at.seconds > 0 ? static_cast<double>(at.bytes) / at.seconds : 0;
    show(at);
}

void progress_view::show(figures const& at) {
    if (mode_ == progress_mode::bar) draw_bar(at);
    if (mode_ == progress_mode::plain) print_plain(at);
    if (mode_ == progress_mode::json) print_json(at);
}

void progress_view::draw_bar(figures const& at) {
    std::string line;
    if (live_->publishing.load()) {
        line = "writing to the disk ...";
    } else {
        std::array<char, 16> percent{};
        if (at.fraction >= 0) {
            auto const full = static_cast<std::size_t>(at.fraction * bar_cells);
            line += '[' + std::string(full, '=') + std::string(bar_cells - full, ' ') + "] ";
            std::snprintf(percent.data(), percent.size(), "%3.0f%%  ", at.fraction * 100);
            line += percent.data();
        } else {
            line += "counting  ";
        }
        line += format_count(at.entries) + " entries  " + format_size(at.bytes) + "  " +
                format_size(static_cast<std::uint64_t>(at.rate)) + "/s";
        if (at.eta >= 0) line += "  ETA " + duration(at.eta);
        if (auto const warnings = live_->warnings.load(); warnings != 0)
            line += "  " + format_count(warnings) + " warnings";
    }
    auto const columns = terminal_columns();
    if (line.size() >= columns) line.resize(columns - 1);
    put("\r\x1b[K" + line);
    shown_ = true;
}

void progress_view::print_plain(figures const& at) const {
    std::string line = format_count(at.entries) + " entries, " + format_size(at.bytes) + ", " +
                       format_size(static_cast<std::uint64_t>(at.rate)) + "/s";
    if (at.fraction >= 0) line += ", " + std::to_string(static_cast<int>(at.fraction * 100)) + " %";
    if (at.eta >= 0) line += ", ETA " + duration(at.eta);
    print_line(line);
}

void progress_view::print_json(figures const& at) const {
    std::array<char, 400> text{};
    std::snprintf(
        text.data(), text.size(),
        R"({"event":"progress","seconds":%.3f,"entries":%llu,"content_bytes":%llu,"output_bytes":%llu,"bytes_per_second":%.0f,"warnings":%llu,"total_entries":%llu,"total_bytes":%llu,"totals_known":%s})",
        at.seconds, static_cast<unsigned long long>(at.entries), static_cast<unsigned long long>(at.bytes),
        static_cast<unsigned long long>(at.output_bytes), at.rate,
        static_cast<unsigned long long>(live_->warnings.load()), static_cast<unsigned long long>(at.total_entries),
        static_cast<unsigned long long>(at.total_bytes), at.totals_known ? "true" : "false");
    print_line(text.data());
}

void progress_view::print(std::string const& line) {
    std::lock_guard const lock{mutex_};
    if (shown_) put("\r\x1b[K");
    shown_ = false;
    print_line(line);
}

void progress_view::clear() {
    std::lock_guard const lock{mutex_};
    if (shown_) put("\r\x1b[K");
    shown_ = false;
}

}  // namespace submitit::cli
