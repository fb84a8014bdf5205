// SPDX-License-Identifier: Apache-2.0
#include "pipeline/metrics.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <optional>
#include <string>
#include <thread>

#include "archive/read/support.hpp"
#include "pipeline/exporting.hpp"
#include "status/sampler.hpp"
#include "status/verdict.hpp"

TEST_SUITE_BEGIN("pipeline/metrics");

namespace submitit::pipeline {
namespace {

using archive::testing::noise;
using archive::testing::prose;
using status::job_state;
using status::stage;

/// Some twenty tickets of plain tar or zip.
struct some_tree {
    some_tree() {
        for (int i = 0; i < 600; ++i)
            tree.file("many/" + std::to_string(10'000 + i), prose(static_cast<std::size_t>(i) * 7 % 900));
        tree.file("large/noise", noise(18'000'000, 5));
        tree.link("link", "large/noise");
    }
    walk::scratch_tree tree;
};

export_options options_of(format kind) {
    static some_tree const made;
    auto options = options_for(kind, contents_of(made.tree));
    options.jobs = 2;
    return options;
}

status::job_figures job_of(running_export const& running) {
    status::snapshot all;
    running.tell(all);
    REQUIRE(all.jobs.size() == 1);
    return all.jobs.front();
}

status::stage_figures of(status::job_figures const& job, stage which) {
    return job.stage[static_cast<std::size_t>(which)];
}

/// An export that is paused by its own output, once so much of it is out, and the bytes it comes to without that.
struct pausing {
    pausing(format kind, std::uint64_t bytes) {
        memory_sink plain;
        static_cast<void>(run(options_of(kind), plain));
        expected = std::move(plain.bytes);
        output.once_beyond.emplace(bytes, [this] {
            while (running_now.load() == nullptr) std::this_thread::yield();
            running_now.load()->pause();
        });
        running.emplace(options_of(kind), output, progress, [] {});
        running_now.store(&*running);
    }
    /// Until nothing that was granted is under way any more.
    status::job_figures drained() {
        for (;;) {
            auto const now = job_of(*running);
            auto const granted = of(now, stage::budget_wait);
            auto const out = of(now, stage::sink).items;
            // One ticket may have been granted and wait.
            if (now.state == job_state::paused && granted.depth == 0 && out > 0 && granted.items <= out + 1 &&
                of(now, stage::sink).depth == 0)
                return now;
            std::this_thread::yield();
        }
    }

    std::string expected;
    memory_sink output;
    live_progress progress;
    std::atomic<running_export*> running_now{nullptr};
    std::optional<running_export> running;
};

}  // namespace

TEST_CASE("what stages say in the end agrees with the report, and nothing is in any of them") {
    for (auto const kind : {format::zip, format::tar, format::tar_gz, format::tar_zst}) {
        CAPTURE(archive::to_string(kind));
        memory_sink output;
        live_progress progress;
        running_export running{options_of(kind), output, progress, {}};
        auto const report = running.wait();
        auto const job = job_of(running);
        CHECK(job.id == 1);
        CHECK(job.state == job_state::done);
        CHECK(job.format == archive::to_string(kind));
        CHECK(job.level == (kind == format::tar ? 0 : 1));
        CHECK(job.output == "in memory");
        CHECK(job.entries == report.entries);
        CHECK(job.files == report.files);
        CHECK(job.content_bytes == report.content_bytes);
        CHECK(job.output_bytes == report.output_bytes);
        CHECK(job.totals_known);
        CHECK(job.total_entries == report.entries);
        CHECK(job.total_bytes == report.content_bytes);
        CHECK(job.seconds == doctest::Approx(report.seconds).epsilon(0.2));
        for (auto const& one : job.stage) {
            CHECK(one.depth == 0);
            CHECK(one.busy_seconds + one.waiting_seconds < 100);
        }
        CHECK(of(job, stage::walk).items == report.entries);
        CHECK(of(job, stage::walk).bytes == report.content_bytes);
        CHECK(of(job, stage::read).bytes == report.content_bytes);
        CHECK(of(job, stage::read).items >= report.files);
        for (auto const which : {stage::budget_wait, stage::queue, stage::codec, stage::order_wait, stage::sink})
            CHECK(of(job, which).items == report.tickets);
        CHECK(of(job, stage::sink).bytes >= report.output_bytes);
        CHECK(of(job, stage::codec).busy_seconds > 0);
        CHECK(of(job, stage::sink).busy_seconds > 0);
        CHECK(job.head_stall_seconds <= of(job, stage::budget_wait).waiting_seconds + 1e-5);
        CHECK(job.window_wait_seconds <= of(job, stage::budget_wait).waiting_seconds);
    }
}

TEST_CASE("budget, workers and backend are told with it") {
    memory_sink output;
    live_progress progress;
    running_export running{options_of(format::zip), output, progress, {}};
    auto const report = running.wait();
    status::snapshot all;
    running.tell(all);
    CHECK(all.workers.workers == 2);
    CHECK(all.workers.wanted == 2);
    CHECK(all.workers.processors >= 1);
    CHECK(all.workers.queued == 0);
    CHECK(all.workers.busy_seconds > 0);
    CHECK(all.budget.limit_bytes == report.memory_limit_bytes);
    CHECK(all.budget.high_water_bytes == report.budget.high_water_bytes);
    CHECK(all.budget.grants_from_pool + all.budget.grants_from_reserve == report.tickets);
    CHECK(all.budget.used_bytes == 0);
    CHECK(all.io.backend == "threads");
    CHECK(all.io.reason != "");
    CHECK(all.io.cached_reads == report.cached_reads);
    CHECK(all.io.operations == report.io.ops);
    CHECK(all.io.read_seconds.count == report.io.ops);
    CHECK(all.io.reads_in_flight == 0);
}

TEST_CASE("counters never fall, whoever asks and whenever") {
    memory_sink output;
    live_progress progress;
    running_export running{options_of(format::zip), output, progress, {}};
    bool rises = true;
    auto const watch = [&running, &rises] {
        auto last = job_of(running);
        bool over = false;
        while (!over) {
            over = running.done();
            auto const now = job_of(running);
            rises = rises && now.seconds >= last.seconds && now.entries >= last.entries;
            for (std::size_t i = 0; i < status::stages; ++i) {
                rises = rises && now.stage[i].busy_seconds >= last.stage[i].busy_seconds &&
                        now.stage[i].waiting_seconds >= last.stage[i].waiting_seconds &&
                        now.stage[i].items >= last.stage[i].items && now.stage[i].bytes >= last.stage[i].bytes;
            }
            last = now;
        }
    };
    watch();
    CHECK(rises);
    CHECK(running.wait().failure.kind == failure_kind::none);
}

TEST_CASE("several may ask at once") {
    memory_sink output;
    live_progress progress;
    running_export running{options_of(format::tar_gz), output, progress, {}};
    auto const ask = [&running] {
        status::sampler looks{[&running](status::snapshot& into) { running.tell(into); }};
        while (!running.done()) static_cast<void>(looks.sample());
    };
    std::thread other{ask};
    ask();
    other.join();
    CHECK(running.wait().failure.kind == failure_kind::none);
}

TEST_CASE("a paused export drains to its output and asks for nothing; on again, its bytes are the same") {
    for (auto const kind : {format::zip, format::tar}) {
        pausing one{kind, 2'000'000};
        auto const paused = one.drained();
        CHECK(paused.state == job_state::paused);
        CHECK(paused.output_bytes < one.expected.size());
        CHECK_FALSE(one.running->done());
        one.running->pause();  // twice is once
        one.running->resume();
        CHECK(one.running->wait().failure.kind == failure_kind::none);
        CHECK(one.output.bytes == one.expected);
        auto const ended = job_of(*one.running);
        CHECK(ended.state == job_state::done);
        CHECK(ended.paused_seconds > 0);
        CHECK(ended.paused_seconds <= ended.seconds);
    }
}

TEST_CASE("a paused export can be cancelled") {
    pausing one{format::zip, 2'000'000};
    static_cast<void>(one.drained());
    one.running->cancel();
    CHECK(one.running->wait().failure.kind == failure_kind::cancelled);
    CHECK_FALSE(one.output.committed);
    CHECK(job_of(*one.running).state == job_state::cancelled);
}

TEST_CASE("an export that cannot start has nothing to tell, and one that fails says so") {
    status::snapshot all;
    live_progress progress;
    memory_sink unused;
    auto options = options_of(format::zip);
    options.memory_bytes = 1;
    running_export const refused{std::move(options), unused, progress, {}};
    refused.tell(all);
    CHECK(all.jobs.empty());
    memory_sink full;
    full.fail_from = 100'000;
    running_export failing{options_of(format::zip), full, progress, {}};
    CHECK(failing.wait().failure.kind == failure_kind::output);
    CHECK(job_of(failing).state == job_state::failed);
}

TEST_CASE("warnings are counted by kind and the last are kept, with names that can be shown") {
    walk::scratch_tree tree;
    tree.file("a", "a");
    for (int i = 10; i < 40; ++i) REQUIRE(::mkfifo(tree.path("f" + std::to_string(i) + "\n").c_str(), 0600) == 0);
    memory_sink output;
    live_progress progress;
    running_export running{options_for(format::zip, contents_of(tree)), output, progress, {}};
    CHECK(running.wait().warnings() == 30);
    auto const job = job_of(running);
    REQUIRE(job.warning_counts.size() == 1);
    CHECK(job.warning_counts.front().kind == "special");
    CHECK(job.warning_counts.front().count == 30);
    CHECK_FALSE(job.warning_counts.front().note);
    REQUIRE(job.last_warnings.size() == 20);
    CHECK(job.last_warnings.front().path == "f20\\x0a");
    CHECK(job.last_warnings.back().path == "f39\\x0a");
}

TEST_CASE("the slowest reads are kept, those of one file together, and a long name's end") {
    job_metrics metrics;
    for (std::uint32_t i = 1; i <= 100; ++i) metrics.read_took("f" + std::to_string(i), i, 10, i * 1000);
    metrics.read_took("f100", 100, 10, 95'000);
    metrics.read_took("quick", 500, 10, 91'000);  // the tenth takes as long
    metrics.read_took(std::string(5000, 'x') + "end", 501, 10, 92'500);
    metrics.ended(job_state::done);
    auto const told = metrics.told().slowest;
    REQUIRE(told.size() == 10);
    CHECK(told.front().path == "f100");
    CHECK(told.front().bytes == 20);
    CHECK(told.front().seconds == doctest::Approx(0.195));
    CHECK(told[1].path == "f99");
    CHECK(told[8].path.size() < 400);
    CHECK(told[8].path.ends_with("end"));
    CHECK(told.back().path == "f92");
}

TEST_CASE("an engine remembers the jobs that ended last, with the name the host gave them") {
    auto selected = io::select_backend({.kind = io::backend_kind::threads});
    REQUIRE(selected.has_value());
    engine on{64 * MiB, 64, std::make_unique<threads_runtime>(std::move(selected->engine), 1, 1)};
    for (int i = 1; i <= 10; ++i) {
        std::promise<void> ended;
        memory_sink sink;
        blocking_output to{sink};
        auto options = options_of(format::tar);
        options.name = "number " + std::to_string(i);
        {
            live_progress progress;  // need not live as long as what is told
            auto const one = std::make_shared<job>(on, std::move(options), to, progress, on.runs_on().writing());
            one->start([&ended](export_report, std::exception_ptr const&) { ended.set_value(); });
            ended.get_future().get();
        }
    }
    status::snapshot all;
    on.tell(all);
    REQUIRE(all.jobs.size() == 8);
    CHECK(all.jobs.front().name == "number 3");
    CHECK(all.jobs.back().name == "number 10");
    CHECK(all.jobs.back().id == 10);
    CHECK(all.io.cached_reads >= 6000);
}

TEST_SUITE_END();

}  // namespace submitit::pipeline
