// SPDX-License-Identifier: Apache-2.0
#include "status/verdict.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "base/sizes.hpp"

namespace submitit::status {
namespace {

/// Less cannot be judged: threads have hardly begun.
constexpr double seconds_min = 0.02;
/// What works this large a part of the time leaves nothing to gain elsewhere but the rest.
constexpr double saturated = 0.85;
constexpr double workers_saturated = 0.75;

/// Parts of the time between two moments. Those of workers are of the time that all of them have, and make 1 together.
struct shares {
    double seconds = 0;
    double sink = 0;
    double processors = 0;  // all of this machine's, by this process
    double walk_blocked = 0;
    double walk_busy = 0;
    // of the workers:
    double busy = 0;
    double device = 0;
    double budget = 0;
    double window = 0;
    double walk = 0;
    double links = 0;
    double tickets_reading = 0;  // on average
    double at_end = 0;           // all was read and encoded already
};

job_figures const* find(snapshot const& in, std::uint64_t job) {
    auto const at = std::find_if(in.jobs.begin(), in.jobs.end(), [job](auto const& one) { return one.id == job; });
    return at != in.jobs.end() ? &*at : nullptr;
}

stage_figures const& of(job_figures const& job, stage which) { return job.stage[static_cast<std::size_t>(which)]; }

double spent(job_figures const& before, job_figures const& after, stage which) {
    auto const sum = [which](job_figures const& in) {
        return of(in, which).busy_seconds + of(in, which).waiting_seconds;
    };
    return sum(after) - sum(before);
}

bool has_ended(job_state state) noexcept { return state >= job_state::publishing; }

/// A worker that still waits is not counted yet: what it waits for is what is under way now.
double& open_wait(shares& in, job_figures const& now) {
    if (has_ended(now.state)) return in.at_end;
    if (of(now, stage::budget_wait).depth > 0) return now.window_wait_seconds > 0 ? in.window : in.budget;
    if (of(now, stage::read).depth > 0) return in.device;
    if (of(now, stage::sink).depth > 0 && of(now, stage::order_wait).depth > 0) return in.budget;
    return in.walk;
}

void share_idle(shares& in, job_figures const& before, job_figures const& after, double all) {
    auto const part = [all](double from, double to) { return std::max(to - from, 0.0) / all; };
    in.device = part(before.idle.device_seconds, after.idle.device_seconds);
    in.budget = part(before.idle.budget_seconds, after.idle.budget_seconds);
    in.window = part(before.idle.window_seconds, after.idle.window_seconds);
    in.walk = part(before.idle.walk_seconds, after.idle.walk_seconds);
    in.links = part(before.idle.links_seconds, after.idle.links_seconds);
    auto const rest = 1 - in.busy - in.device - in.budget - in.window - in.walk - in.links;
    if (rest > 0) open_wait(in, after) += rest;
}

shares measure(snapshot const& before, snapshot const& after, job_figures const& was, job_figures const& is) {
    shares made;
    made.seconds = (is.seconds - is.paused_seconds) - (was.seconds - was.paused_seconds);
    if (made.seconds < seconds_min) return made;
    auto const share = [&made](double seconds) { return std::clamp(seconds / made.seconds, 0.0, 1.0); };
    made.sink = share(spent(was, is, stage::sink));
    made.walk_busy = share(of(is, stage::walk).busy_seconds - of(was, stage::walk).busy_seconds);
    made.walk_blocked = share(of(is, stage::walk).waiting_seconds - of(was, stage::walk).waiting_seconds);
    auto const workers = std::max(after.workers.workers, 1U);
    auto busy = of(is, stage::read).busy_seconds - of(was, stage::read).busy_seconds +
                of(is, stage::codec).busy_seconds - of(was, stage::codec).busy_seconds;
    bool const both = before.sequence != 0;
    if (both) busy = std::max(busy, after.workers.busy_seconds - before.workers.busy_seconds);  // with that for others
    made.busy = share(busy / workers);
    if (after.workers.processors != 0)
        made.processors = share((after.process.cpu_seconds - before.process.cpu_seconds) / after.workers.processors);
    made.tickets_reading = (of(is, stage::read).waiting_seconds - of(was, stage::read).waiting_seconds) / made.seconds;
    share_idle(made, was, is, made.seconds * workers);
    return made;
}

bound largest_wait(shares const& in) {
    bool const sink_is_slow = in.sink >= 0.6;
    std::array<std::pair<double, bound>, 6> const parts{{
        {in.device, bound::disk},
        {in.budget, sink_is_slow ? bound::sink : bound::memory},
        {in.window, !sink_is_slow && in.tickets_reading >= 1 ? bound::disk : bound::sink},
        {in.walk, in.walk_blocked > in.walk_busy ? bound::disk : bound::walk},
        {in.links, bound::cpu},
        {in.at_end, bound::sink},
    }};
    auto const largest = std::max_element(parts.begin(), parts.end());
    return in.busy > largest->first * 2 ? bound::cpu : largest->second;
}

bound choose(shares const& in, worker_figures const& workers) {
    if (in.seconds < seconds_min) return bound::nothing;
    if (in.sink >= saturated && in.sink >= in.busy) return bound::sink;
    bool const busy = in.busy >= workers_saturated || in.processors >= saturated;
    auto const found = busy ? bound::cpu : largest_wait(in);
    if (found != bound::cpu) return found;
    // The budget had no room for a worker for each processor.
    bool const is_short = workers.workers < std::min(workers.wanted, workers.processors);
    return is_short && in.processors < saturated ? bound::memory : bound::cpu;
}

// ---- in words

std::string percent(double share) { return std::to_string(std::lround(share * 100)) + " %"; }

std::string workers_text(std::uint32_t count) {
    return count == 1 ? "the worker was" : "the " + std::to_string(count) + " workers were";
}

bool has_levels(job_figures const& job) { return job.level > 0; }
int level_max(job_figures const& job) { return job.format == "tar.zst" ? 19 : 9; }

void say_cpu(verdict& into, shares const& in, job_figures const& job, worker_figures const& workers) {
    into.sentence = "bound by the CPU: " + workers_text(workers.workers) + " busy " + percent(in.busy) + " of the time";
    if (workers.workers < workers.processors && in.processors < saturated) {
        into.flag = "--jobs " + std::to_string(workers.processors);
        into.sentence += "; " + into.flag + " would use the other processors";
    } else if (has_levels(job) && job.level > 1) {
        into.flag = "--level 1";
        into.sentence += "; a lower level is faster, --level 1 the fastest";
    }
}

/// Grants are of memory and of descriptors.
bool lacks_descriptors(budget_figures const& now) noexcept {
    return now.limit_slots != 0 && now.used_slots >= now.limit_slots - now.limit_slots / 8 &&
           now.used_bytes < now.limit_bytes - now.limit_bytes / 4;
}

void say_memory(verdict& into, shares const& in, snapshot const& now, worker_figures const& workers) {
    if (lacks_descriptors(now.budget)) {
        into.sentence = "bound by the limit of open files: all " + std::to_string(now.budget.limit_slots) +
                        " descriptors for files under way are taken; a higher limit (ulimit -n) would help";
        return;
    }
    auto const limit = now.budget.limit_bytes;
    auto wanted = 64 * MiB;
    while (wanted < 2 * limit) wanted *= 2;
    into.flag = "--memory " + std::to_string(wanted / MiB) + "MiB";
    into.sentence = "bound by the memory budget of " + format_size(limit) + ": ";
    if (workers.workers < workers.wanted)
        into.sentence += "it has room for " + std::to_string(workers.workers) + " of " +
                         std::to_string(workers.wanted) + " workers; ";
    else
        into.sentence += workers_text(workers.workers) + " without work " + percent(in.budget) +
                         " of the time, as no ticket had memory; ";
    into.sentence += into.flag + " would help";
}

void say_sink(verdict& into, shares const& in, job_figures const& job) {
    into.sentence = "bound by the sink: it took " + percent(in.sink) + " of the time to write the archive out";
    if (in.busy > 0.5) return;  // there is no processor to compress more
    if (has_levels(job) && job.level < level_max(job)) {
        into.flag = "--level " + std::to_string(std::min(job.level + 3, level_max(job)));
        into.sentence += "; a higher level has less to write";
    } else if (job.format == "tar") {
        into.flag = "--format tar.zst";
        into.sentence += "; a format that compresses has less to write";
    }
}

void say_disk(verdict& into, shares const& in, snapshot const& now) {
    auto const idle = std::max({in.device, in.walk, in.window});
    into.sentence = "bound by the disk: workers were without work " + percent(idle) + " of the time, until ";
    into.sentence += in.walk == idle ? "directories were read" : "reads ended";
    if (now.io.backend != "threads" || now.io.fallback_errno != 0) return;
    into.flag = "--io uring";
    into.sentence += "; --io uring keeps more reads under way";
}

}  // namespace

verdict judge(snapshot const& before, snapshot const& after, std::uint64_t job) {
    verdict made;
    made.sentence = "bound by nothing for long enough to tell";
    auto const* const is = find(after, job);
    if (is == nullptr) return made;
    auto const* const known = find(before, job);
    auto const measured = measure(before, after, known != nullptr ? *known : job_figures{}, *is);
    made.by = choose(measured, after.workers);
    switch (made.by) {
        case bound::nothing: break;
        case bound::disk: say_disk(made, measured, after); break;
        case bound::cpu: say_cpu(made, measured, *is, after.workers); break;
        case bound::memory: say_memory(made, measured, after, after.workers); break;
        case bound::sink: say_sink(made, measured, *is); break;
        case bound::walk:
            made.sentence =
                "bound by the walk: one thread lists directories and looks at files, and workers were without "
                "work " +
                percent(measured.walk) + " of the time until it had";
            break;
    }
    return made;
}

char const* to_string(bound by) noexcept {
    switch (by) {
        case bound::nothing: return "nothing";
        case bound::disk: return "disk";
        case bound::cpu: return "cpu";
        case bound::memory: return "memory";
        case bound::sink: return "sink";
        case bound::walk: return "walk";
    }
    return "nothing";
}

char const* name_of(bound by) noexcept {
    switch (by) {
        case bound::cpu: return "the CPU";
        case bound::memory: return "memory";
        default: return to_string(by);
    }
}

}  // namespace submitit::status
