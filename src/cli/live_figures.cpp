// SPDX-License-Identifier: Apache-2.0
#include "cli/live_figures.hpp"

#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "base/display_name.hpp"

namespace submitit::cli {
namespace {

using std::chrono::duration;
using std::chrono::system_clock;

double since_epoch() noexcept { return duration<double>(system_clock::now().time_since_epoch()).count(); }

std::uint64_t resident_bytes() {
    std::ifstream statm{"/proc/self/statm"};
    std::uint64_t all = 0;
    std::uint64_t resident = 0;
    statm >> all >> resident;
    return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::uint64_t open_descriptors() {
    std::error_code unknown;
    auto const all = std::filesystem::directory_iterator{"/proc/self/fd", unknown};
    return unknown ? 0 : static_cast<std::uint64_t>(std::distance(begin(all), end(all)));
}

void fill(status::process_figures& into) {
    into.resident_bytes = resident_bytes();
    into.descriptors = open_descriptors();
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) into.descriptors_max = limit.rlim_cur;
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    auto const seconds = [](timeval const& t) {
        return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
    };
    into.cpu_seconds = seconds(used.ru_utime) + seconds(used.ru_stime);
}

status::build_info build() {
    status::build_info made;
    made.version = SUBMITIT_VERSION;
    made.compiler = __VERSION__;
    utsname kernel{};
    if (::uname(&kernel) == 0) made.kernel = kernel.release;
    return made;
}

/// As the progress bar weighs: an entry costs about what 16 KiB of content costs.
double weight(std::uint64_t bytes, std::uint64_t entries) {
    return static_cast<double>(bytes) + 16384.0 * static_cast<double>(entries);
}

status::job_state state_of(pipeline::export_report const& report) {
    if (report.failure.kind == pipeline::failure_kind::none) return status::job_state::done;
    return report.failure.kind == pipeline::failure_kind::cancelled ? status::job_state::cancelled
                                                                    : status::job_state::failed;
}

void fill(status::snapshot& into, pipeline::export_report const& report) {
    into.budget.limit_bytes = report.memory_limit_bytes;
    into.budget.high_water_bytes = report.budget.high_water_bytes;
    into.budget.engine_bytes = report.budget.engine_bytes;
    into.budget.grants_from_reserve = report.budget.grants_from_reserve;
    into.budget.grants_from_pool = report.budget.grants_from_pool;
    into.budget.limit_slots = report.budget.limit_slots;
    into.workers.workers = report.workers;
    into.io.backend = report.backend.chosen == io::backend_kind::uring ? "uring" : "threads";
    into.io.reason = report.backend.reason;
    into.io.fallback_errno = report.backend.uring_errno;
    into.io.operations = report.io.ops;
    into.io.bytes = report.io.bytes;
    into.io.short_reads = report.io.short_reads;
    into.io.retries = report.io.retries;
    into.io.descriptor_waits = report.io.descriptor_waits;
    into.io.plain_reads = report.io.plain_reads;
    into.io.cached_reads = report.cached_reads;
}

}  // namespace

live_figures::live_figures(std::string name, std::string output, archive::format_options const& format,
                           pipeline::live_progress const& live)
    : live_{&live} {
    last_.build = build();
    last_.process.start_time_seconds = since_epoch();
    auto& job = last_.jobs.emplace_back();
    job.id = 1;
    job.name = display_name(name);
    job.output = display_name(output);
    job.format = archive::to_string(format.kind);
    job.level = format.store ? 0 : format.level;
}

status::snapshot live_figures::sample() {
    std::lock_guard const lock{mutex_};
    ++last_.sequence;
    last_.time_seconds = since_epoch();
    fill(last_.process);
    if (finished_) return last_;
    auto& job = last_.jobs.front();
    job.seconds = duration<double>(clock::now() - started_).count();
    job.state = live_->publishing.load() ? status::job_state::publishing : status::job_state::running;
    job.entries = live_->entries.load();
    job.content_bytes = live_->content_bytes.load();
    job.output_bytes = live_->output_bytes.load();
    job.total_entries = live_->total_entries.load();
    job.total_bytes = live_->total_bytes.load();
    job.totals_known = live_->totals_known.load();
    rate(job, job.seconds);
    if (job.totals_known) {
        auto const all = weight(job.total_bytes, job.total_entries);
        job.fraction = all > 0 ? std::min(weight(job.content_bytes, job.entries) / all, 1.0) : 1.0;
        if (*job.fraction > 0.01) job.eta_seconds = job.seconds * (1 - *job.fraction) / *job.fraction;
    }
    job.warning_counts.clear();
    if (auto const warnings = live_->warnings.load(); warnings != 0)
        job.warning_counts.push_back({"any", warnings, false});
    return last_;
}

void live_figures::rate(status::job_figures& job, double now) {
    auto const passed = now - rated_;
    if (passed < 0.5) return;
    auto const per_second = [passed](std::uint64_t is, std::uint64_t was) {
        return static_cast<double>(is - std::min(was, is)) / passed;
    };
    auto const smooth = [first = rated_ == 0](double old, double latest) {
        return first ? latest : old * 0.7 + latest * 0.3;
    };
    job.bytes_per_second = smooth(job.bytes_per_second, per_second(job.content_bytes, rated_content_));
    job.output_bytes_per_second = smooth(job.output_bytes_per_second, per_second(job.output_bytes, rated_output_));
    rated_ = now;
    rated_content_ = job.content_bytes;
    rated_output_ = job.output_bytes;
}

void live_figures::finish(pipeline::export_report const& report) {
    std::lock_guard const lock{mutex_};
    finished_ = true;
    auto& job = last_.jobs.front();
    job.seconds = report.seconds;
    job.state = state_of(report);
    job.entries = report.entries;
    job.files = report.files;
    job.content_bytes = report.content_bytes;
    job.output_bytes = report.output_bytes;
    job.bytes_per_second = job.output_bytes_per_second = 0;
    job.eta_seconds.reset();
    if (job.state == status::job_state::done) {
        job.total_entries = report.entries;
        job.total_bytes = report.content_bytes;
        job.totals_known = true;
        job.fraction = 1;
    }
    job.warning_counts.clear();
    for (std::size_t kind = 0; kind < report.notices.size(); ++kind) {
        auto const which = static_cast<walk::notice_kind>(kind);
        if (report.notices[kind] != 0)
            job.warning_counts.push_back({walk::to_string(which), report.notices[kind], walk::is_note(which)});
    }
    fill(last_, report);
}

}  // namespace submitit::cli
