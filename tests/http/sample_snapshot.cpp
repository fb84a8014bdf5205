// SPDX-License-Identifier: Apache-2.0
#include "http/sample_snapshot.hpp"

namespace submitit::testing {
namespace {

constexpr std::uint64_t mib = 1U << 20U;

status::job_figures running_job() {
    status::job_figures job;
    job.id = 7;
    job.name = "photos <b>\"2024\"</b>";
    job.output = "/srv/exports/photos\\2024.tar.zst";
    job.format = "tar.zst";
    job.level = 9;
    job.state = status::job_state::running;
    job.seconds = 754.25;
    job.paused_seconds = 12.5;
    job.entries = 48'212;
    job.files = 46'100;
    job.content_bytes = 81'204 * mib;
    job.output_bytes = 60'881 * mib;
    job.total_entries = 120'431;
    job.total_bytes = 190'000 * mib;
    job.totals_known = true;
    job.bytes_per_second = 112.5 * mib;
    job.output_bytes_per_second = 83.25 * mib;
    job.fraction = 0.4375;
    job.eta_seconds = 968.5;
    job.eta_error_seconds = 42.5;
    for (std::size_t i = 0; i < status::stages; ++i) {
        auto const n = static_cast<double>(i + 1);
        job.stage[i] = {11.5 * n, 7.25 * n, 1000 + i, (4096 + i) * mib, 1 + i};
    }
    job.head_stall_seconds = 1.75;
    job.window_wait_seconds = 2.125;
    job.idle = {8.5, 4.25, 2.5, 1.5, 0.75};
    job.warning_counts = {{"vanished", 3, false}, {"unreadable", 2, false}, {"socket_skipped", 5, true}};
    job.last_warnings = {{"vanished", "photos/2024/<img src=x>.tmp", "No such file or directory"},
                         {"unreadable", "photos/private/key \xE2\x9C\x93.pem", "Permission denied"}};
    job.slowest = {{"photos/video/holiday.mov", 3'211 * mib, 38.25}, {"photos/raw/0001.dng", 71 * mib, 0.875}};
    job.bound_by = {status::bound::cpu,
                    "The processor: both workers are busy 98 % of the time; a lower level would help.", "--level 3"};
    return job;
}

status::job_figures waiting_job() {
    status::job_figures job;
    job.id = 8;
    job.name = "mail";
    job.format = "zip";
    job.level = 6;
    job.state = status::job_state::waiting;
    job.total_entries = 12;
    return job;
}

}  // namespace

status::snapshot sample_snapshot() {
    status::snapshot now;
    now.sequence = 42;
    now.time_seconds = 1'700'000'000.5;
    now.build = {"0.1.0", "12.2.0", "Linux 6.1.0-18-amd64"};
    now.process = {151 * mib, 37, 20'000, 1411.5, 1'699'999'246.25};
    now.budget = {256 * mib, 180 * mib, 201 * mib, 233 * mib, 61 * mib, 1'200, 50'000, 4'096, 311};
    now.io = {"uring", "the ring \"works\"\nhere", 38, 24, 6, 91'000, 70'123 * mib, 12, 3, 1, 2, 15'500, {}, {}};
    now.io.batch_size = {{1, 4, 16}, {100, 250, 300}, 310, 2'150};
    now.io.read_seconds = {{0.001, 0.01, 0.1}, {10, 200, 305}, 310, 2.75};
    now.workers = {2, 1, 1400.25, 5, 3, 4};
    now.jobs = {running_job(), waiting_job()};
    return now;
}

}  // namespace submitit::testing
