// SPDX-License-Identifier: Apache-2.0
#include "pipeline/metrics.hpp"

#include <algorithm>

#include "base/display_name.hpp"

namespace submitit::pipeline {
namespace {

constexpr std::size_t warnings_max = 20;
constexpr std::size_t slowest_max = 10;
constexpr std::size_t name_bytes_max = 300;

/// The end of a long name says more than its beginning.
std::string shown_name(std::string_view name) {
    if (name.size() <= name_bytes_max) return display_name(name);
    name.remove_prefix(name.size() - name_bytes_max);
    while (!name.empty() && (static_cast<unsigned char>(name.front()) & 0xC0U) == 0x80U) name.remove_prefix(1);
    return "..." + display_name(name);
}

double seconds(std::uint64_t us) noexcept { return static_cast<double>(us) / 1e6; }

}  // namespace

// ---- what it is

void job_metrics::set_identity(identity const& now) {
    identity_ = now;
    identity_.name = shown_name(now.name);
    identity_.output = shown_name(now.output);
    identity_changed_ = !identity_shown_.offer(identity_);
}

void job_metrics::ended(status::job_state how) noexcept {
    ended_us_.set(status::now_us());
    set_state(how);
    try {
        show_all();
    } catch (...) {  // no memory: what was shown before stays
    }
}

void job_metrics::show_all() {
    identity_shown_.put(identity_);
    warnings_shown_.put(warnings_);
    std::lock_guard const lock{slowest_mutex_};
    slowest_shown_.put(slowest_);
}

void job_metrics::set_paused(bool is) noexcept {
    if (is_paused_.exchange(is) == is) return;
    if (is) paused_.enter(status::now_us());
    else paused_.leave(status::now_us());
}

// ---- lists

/// Up to when it was planned, that was late; from then on what came after.
void job_metrics::idled(flight const& next, std::uint64_t since_us, std::uint64_t now_us) noexcept {
    auto const add = [this](arrival from, std::uint64_t us) { idle_us_[static_cast<std::size_t>(from)].add(us); };
    since_us =
        std::clamp(since_us, std::min(began_us_.get(), now_us), now_us);  // what was before it does not concern it
    auto const planned_us = std::clamp(next.planned_us, since_us, now_us);
    add(arrival::planned, planned_us - since_us);
    add(next.from, now_us - planned_us);
}

void job_metrics::read_took(std::string_view path, std::uint64_t file, std::uint64_t bytes, std::uint32_t us) noexcept {
    if (us <= slow_us_.load(std::memory_order_relaxed)) return;
    try {
        keep_slow(path, file, bytes, us);
    } catch (...) {  // no memory: an export does not fail for that
    }
}

void job_metrics::keep_slow(std::string_view path, std::uint64_t file, std::uint64_t bytes, std::uint32_t us) {
    std::lock_guard const lock{slowest_mutex_};
    auto const same = [file](slow const& one) { return one.file == file; };
    auto at = std::find_if(slowest_.begin(), slowest_.end(), same);
    if (at == slowest_.end()) {
        slowest_.push_back({{shown_name(path), 0, 0}, file});
        at = slowest_.end() - 1;
    }
    at->told.bytes += bytes;
    at->told.seconds += seconds(us);
    auto const slower = [](slow const& a, slow const& b) { return a.told.seconds > b.told.seconds; };
    std::sort(slowest_.begin(), slowest_.end(), slower);
    if (slowest_.size() > slowest_max) slowest_.pop_back();
    if (slowest_.size() == slowest_max)
        slow_us_.store(static_cast<std::uint32_t>(std::min(slowest_.back().told.seconds * 1e6, 4e9)));
    slowest_changed_.store(!slowest_shown_.offer(slowest_));
}

void job_metrics::warned(walk::notice const& of) noexcept {
    notices_[static_cast<std::size_t>(of.kind)].add(1);
    if (walk::is_note(of.kind)) return;
    try {
        keep_warning(of);
    } catch (...) {
    }
}

void job_metrics::keep_warning(walk::notice const& of) {
    auto text = shown_name(of.detail);
    if (of.error) text += (text.empty() ? "" : ": ") + of.error.message();
    warnings_.push_back({walk::to_string(of.kind), shown_name(of.path), std::move(text)});
    if (warnings_.size() > warnings_max) warnings_.pop_front();
    warnings_changed_ = true;
}

void job_metrics::show_lists() {
    if (identity_changed_) identity_changed_ = !identity_shown_.offer(identity_);
    if (warnings_changed_) warnings_changed_ = !warnings_shown_.offer(warnings_);
    if (!slowest_changed_.load(std::memory_order_relaxed)) return;
    std::lock_guard const lock{slowest_mutex_};
    slowest_changed_.store(!slowest_shown_.offer(slowest_));
}

// ---- asked

status::job_figures job_metrics::told() const {
    status::job_figures made;
    auto const now = status::now_us();
    auto const what = identity_shown_.read();
    made.id = id_.get();
    made.name = what.name;
    made.output = what.output;
    made.format = what.format;
    made.level = what.level;
    made.state = state_.load(std::memory_order_relaxed);
    if (made.state == status::job_state::running && is_paused_.load()) made.state = status::job_state::paused;
    auto const began = began_us_.get();
    auto const ended = ended_us_.get();
    auto const until = ended != 0 ? ended : now;  // it may have begun since `now`
    if (began != 0 && until > began) made.seconds = seconds(until - began);
    made.paused_seconds = std::min(seconds(paused_.sum_us(ended != 0 ? ended : now)), made.seconds);
    made.entries = entries.get();
    made.files = files.get();
    made.content_bytes = content_bytes.get();
    made.output_bytes = output_bytes.get();
    made.totals_known = totals_known.load();
    made.total_entries = total_entries.get();
    made.total_bytes = total_bytes.get();
    made.stage = {walking.told(now), budget_wait.told(now), read.told(now), queue.told(now),
                  codec.told(now),   order_wait.told(now),  sink.told(now)};
    made.stage[static_cast<std::size_t>(status::stage::walk)].depth = planned.get();
    made.head_stall_seconds = seconds(head_stall.sum_us(now));
    made.window_wait_seconds = seconds(window_wait.sum_us(now));
    auto const idle = [this](arrival from) { return seconds(idle_us_[static_cast<std::size_t>(from)].get()); };
    made.idle.device_seconds = idle(arrival::device);
    made.idle.budget_seconds = idle(arrival::budget);
    made.idle.window_seconds = idle(arrival::window) + idle(arrival::admitted);
    made.idle.walk_seconds = idle(arrival::planned);
    made.idle.links_seconds = idle(arrival::links);
    for (std::size_t i = 0; i < notices_.size(); ++i) {
        auto const kind = static_cast<walk::notice_kind>(i);
        if (auto const count = notices_[i].get(); count != 0)
            made.warning_counts.push_back({walk::to_string(kind), count, walk::is_note(kind)});
    }
    auto const warnings = warnings_shown_.read();
    made.last_warnings.assign(warnings.begin(), warnings.end());
    for (auto const& one : slowest_shown_.read()) made.slowest.push_back(one.told);
    return made;
}

}  // namespace submitit::pipeline
