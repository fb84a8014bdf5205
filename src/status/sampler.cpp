// SPDX-License-Identifier: Apache-2.0
#include "status/sampler.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "status/process.hpp"
#include "status/verdict.hpp"

namespace submitit::status {
namespace {

constexpr double apart_seconds = 0.25;
constexpr double rate_seconds = 5;       ///< rates and the verdict are of so long
constexpr double estimate_seconds = 30;  ///< what is left is estimated by so long
constexpr std::size_t ends_max = 10;
constexpr std::size_t ends_min = 3;

/// An entry costs about what 16 KiB of content costs, so a tree of empty files moves too.
double weight_of(std::uint64_t bytes, std::uint64_t entries) {
    return static_cast<double>(bytes) + 16384.0 * static_cast<double>(entries);
}

double wall_clock() {
    return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

bool has_ended(job_state state) noexcept { return state >= job_state::done; }

/// What the next look is compared with.
snapshot figures_of(snapshot const& whole) {
    auto kept = whole;
    for (auto& job : kept.jobs) {
        job.name.clear();
        job.output.clear();
        job.warning_counts.clear();
        job.last_warnings.clear();
        job.slowest.clear();
        job.bound_by = {};
    }
    return kept;
}

}  // namespace

sampler::sampler(source from, clock time) : from_{std::move(from)}, time_{std::move(time)} {
    if (!time_) time_ = wall_clock;
    last_.build = this_build();
}

snapshot const& sampler::sample() {
    from_(last_);
    ++last_.sequence;
    last_.time_seconds = time_();
    last_.process = read_process();
    if (last_.time_seconds < kept_at_) history_.clear();  // somebody has set the clock back
    bool const keep = history_.empty() || last_.time_seconds - kept_at_ >= apart_seconds;
    for (auto& job : last_.jobs) add_to(job, keep);
    std::erase_if(tracks_, [this](auto const& one) {
        return std::none_of(last_.jobs.begin(), last_.jobs.end(), [&](auto const& job) { return job.id == one.first; });
    });
    if (!keep) return last_;
    kept_at_ = last_.time_seconds;
    history_.push_back(figures_of(last_));
    while (history_.size() > 1 && history_[1].time_seconds <= kept_at_ - rate_seconds) history_.pop_front();
    return last_;
}

snapshot const& sampler::some_seconds_ago() const {
    static snapshot const none;
    return history_.empty() ? none : history_.front();
}

void sampler::add_to(job_figures& job, bool keep) {
    auto& of = tracks_[job.id];
    point const now{job.seconds - job.paused_seconds, static_cast<double>(job.content_bytes),
                    static_cast<double>(job.output_bytes), weight_of(job.content_bytes, job.entries)};
    if (of.points.empty()) of.points.push_back({});
    auto then = of.points.front();
    for (auto const& one : of.points)
        if (one.seconds <= now.seconds - rate_seconds) then = one;
    if (has_ended(job.state)) then = {};
    if (auto const took = now.seconds - then.seconds; took > 0) {
        job.bytes_per_second = std::max(now.content_bytes - then.content_bytes, 0.0) / took;
        job.output_bytes_per_second = std::max(now.output_bytes - then.output_bytes, 0.0) / took;
    }
    static snapshot const none;
    job.bound_by = judge(has_ended(job.state) ? none : some_seconds_ago(), last_, job.id);
    estimate(job, of, now, keep);
    if (!keep || now.seconds <= of.points.back().seconds) return;
    of.points.push_back(now);
    while (of.points.size() > 1 && of.points[1].seconds <= now.seconds - estimate_seconds) of.points.pop_front();
}

/// `of` does not hold `now` yet.
void sampler::estimate(job_figures& job, track& of, point const& now, bool keep) {
    if (job.state == job_state::done) job.fraction = 1;
    auto const all = weight_of(job.total_bytes, job.total_entries);
    if (has_ended(job.state) || !job.totals_known) return;
    job.fraction = all > 0 ? std::min(now.weight / all, 1.0) : 1.0;
    if (job.state == job_state::paused) return;
    auto const& then = of.points.front();
    auto const took = now.seconds - then.seconds;
    auto const done = now.weight - then.weight;
    if (took <= 0 || done <= 0) return;
    job.eta_seconds = std::max(all - now.weight, 0.0) * took / done;
    if (keep) of.ends.push_back(now.seconds + *job.eta_seconds);
    if (of.ends.size() > ends_max) of.ends.pop_front();
    if (of.ends.size() < ends_min) return;
    auto const [first, last] = std::minmax_element(of.ends.begin(), of.ends.end());
    job.eta_error_seconds = (*last - *first) / 2;
}

}  // namespace submitit::status
