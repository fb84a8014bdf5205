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
#include "status/verdict.hpp"

namespace submitit::cli {
namespace {

constexpr std::size_t bar_cells = 24;
constexpr std::size_t bar_cells_narrow = 10;
constexpr std::size_t columns_wide = 100;  // then there is a second line
constexpr std::chrono::milliseconds look_every{500};

/// From the beginning of its first line to the end of the screen, however a new width has broken the lines.
constexpr char const* erase_bar = "\r\x1b[J";

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

std::string number(double value) {
    std::array<char, 48> text{};
    std::snprintf(text.data(), text.size(), "%.1f", value);
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
    if (wanted == "plain") return progress_mode::plain;
    if (wanted == "json") return progress_mode::json;
    if (wanted == "none" || (quiet && wanted != "bar")) return progress_mode::none;
    char const* const term = std::getenv("TERM");
    bool const can_redraw = ::isatty(STDERR_FILENO) != 0 && term != nullptr && std::string_view{term} != "dumb";
    if (can_redraw) return progress_mode::bar;
    return wanted == "bar" ? progress_mode::plain : progress_mode::none;
}

progress_view::progress_view(progress_mode mode, pipeline::live_progress const& live) : mode_{mode}, live_{&live} {}

progress_view::figures progress_view::measure(clock::time_point now) const {
    figures at{};
    at.seconds = std::chrono::duration<double>(now - started_).count();
    at.entries = live_->entries.load(std::memory_order_relaxed);
    at.bytes = live_->content_bytes.load(std::memory_order_relaxed);
    at.output_bytes = live_->output_bytes.load(std::memory_order_relaxed);
    at.rate = seen_.bytes_per_second;
    at.fraction = seen_.fraction.value_or(-1);
    auto const looked_ago = std::chrono::duration<double>(now - looked_).count();
    at.eta = seen_.eta_seconds ? std::max(*seen_.eta_seconds - looked_ago, 0.0) : -1;
    at.eta_error = seen_.eta_error_seconds.value_or(-1);
    at.bound_by = seen_.bound_by;
    at.totals_known = live_->totals_known.load();
    at.total_entries = live_->total_entries.load();
    at.total_bytes = live_->total_bytes.load();
    return at;
}

void progress_view::look(live_figures& watching, clock::time_point now) {
    if (now - looked_ < look_every) return;
    looked_ = now;
    auto jobs = watching.sample().jobs;
    if (!jobs.empty()) seen_ = std::move(jobs.back());
}

void progress_view::tick(live_figures& watching) {
    if (mode_ == progress_mode::none) return;
    auto const now = clock::now();
    look(watching, now);
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
    at.bound_by = {};  // the summary tells of the whole run
    at.rate = at.seconds > 0 ? static_cast<double>(at.bytes) / at.seconds : 0;
    show(at);
}

void progress_view::show(figures const& at) {
    if (mode_ == progress_mode::bar) draw_bar(at);
    if (mode_ == progress_mode::plain) print_plain(at);
    if (mode_ == progress_mode::json) print_json(at);
}

/// What a narrow terminal has no room for is left out, the least telling first.
std::string progress_view::bar_line(figures const& at, std::size_t columns) const {
    if (live_->publishing.load()) return "writing to the disk ...";
    std::string line = "counting  ";
    if (at.fraction >= 0) {
        auto const cells = columns < columns_wide ? bar_cells_narrow : bar_cells;
        auto const full = static_cast<std::size_t>(at.fraction * static_cast<double>(cells));
        std::array<char, 16> percent{};
        std::snprintf(percent.data(), percent.size(), "%3.0f%%  ", at.fraction * 100);
        line = '[' + std::string(full, '=') + std::string(cells - full, ' ') + "] " + percent.data();
    }
    line += format_size(static_cast<std::uint64_t>(at.rate)) + "/s";
    if (at.eta >= 0) line += "  ETA " + duration(at.eta);
    auto const add = [&line, columns](std::string const& more) {
        if (line.size() + more.size() < columns) line += more;
    };
    if (at.bound_by.by != status::bound::nothing) add("  limit: " + std::string{status::to_string(at.bound_by.by)});
    if (auto const warnings = live_->warnings.load(); warnings != 0) add("  " + format_count(warnings) + " warnings");
    add("  " + format_count(at.entries) + " entries");
    add("  " + format_size(at.bytes));
    return line;
}

/// The cursor stays where the first line begins.
void progress_view::draw_bar(figures const& at) {
    auto const columns = terminal_columns();
    auto text = erase_bar + bar_line(at, columns).substr(0, columns - 1);
    if (columns >= columns_wide && at.bound_by.by != status::bound::nothing && !live_->publishing.load())
        text += "\r\n" + at.bound_by.sentence.substr(0, columns - 1) + "\x1b[A";
    put(text + '\r');
    shown_ = true;
}

void progress_view::erase() {
    if (shown_) put(erase_bar);
    shown_ = false;
}

void progress_view::print_plain(figures const& at) const {
    std::string line = format_count(at.entries) + " entries, " + format_size(at.bytes) + ", " +
                       format_size(static_cast<std::uint64_t>(at.rate)) + "/s";
    if (at.fraction >= 0) line += ", " + std::to_string(static_cast<int>(at.fraction * 100)) + " %";
    if (at.eta >= 0) line += ", ETA " + duration(at.eta);
    if (at.eta >= 0 && at.eta_error >= 1) line += " (+-" + duration(at.eta_error) + ')';
    if (at.bound_by.by != status::bound::nothing) line += ", " + at.bound_by.sentence;
    print_line(line);
}

void progress_view::print_json(figures const& at) const {
    std::array<char, 500> text{};
    std::snprintf(
        text.data(), text.size(),
        R"({"event":"progress","seconds":%.3f,"entries":%llu,"content_bytes":%llu,"output_bytes":%llu,"bytes_per_second":%.0f,"warnings":%llu,"total_entries":%llu,"total_bytes":%llu,"totals_known":%s,"eta_seconds":%s,"bound_by":"%s"})",
        at.seconds, static_cast<unsigned long long>(at.entries), static_cast<unsigned long long>(at.bytes),
        static_cast<unsigned long long>(at.output_bytes), at.rate,
        static_cast<unsigned long long>(live_->warnings.load()), static_cast<unsigned long long>(at.total_entries),
        static_cast<unsigned long long>(at.total_bytes), at.totals_known ? "true" : "false",
        at.eta >= 0 ? number(at.eta).c_str() : "null", status::to_string(at.bound_by.by));
    print_line(text.data());
}

void progress_view::print(std::string const& line) {
    std::lock_guard const lock{mutex_};
    erase();
    print_line(line);
}

void progress_view::clear() {
    std::lock_guard const lock{mutex_};
    erase();
}

}  // namespace submitit::cli
