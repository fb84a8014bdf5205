// SPDX-License-Identifier: Apache-2.0
#include "status/verdict.hpp"

#include <doctest/doctest.h>

#include "base/sizes.hpp"

namespace submitit::status {
namespace {

/// Ten seconds of one export with two workers on two processors; what is not said did not happen.
struct ten_seconds {
    snapshot all;
    ten_seconds() {
        all.sequence = 1;
        all.workers.workers = all.workers.wanted = all.workers.processors = 2;
        all.budget.limit_bytes = 24 * MiB;
        all.io.backend = "uring";
        job_figures one;
        one.id = 7;
        one.state = job_state::running;
        one.seconds = 10;
        one.format = "zip";
        one.level = 6;
        all.jobs.push_back(one);
    }
    job_figures& job() { return all.jobs.front(); }
    stage_figures& at(stage which) { return job().stage[static_cast<std::size_t>(which)]; }
    /// Of each worker.
    ten_seconds& busy(double seconds) {
        at(stage::codec).busy_seconds = seconds * all.workers.workers;
        return *this;
    }
    [[nodiscard]] verdict judged() const { return judge({}, all, 7); }
};

}  // namespace

TEST_SUITE("status/verdict") {
    TEST_CASE("workers that are busy all the time: the CPU, and a lower level") {
        ten_seconds is;
        is.busy(9.7);
        auto const found = is.judged();
        CHECK(found.by == bound::cpu);
        CHECK(found.flag == "--level 1");
        CHECK(found.sentence.starts_with("bound by the CPU: the 2 workers were busy 97 % of the time"));
    }

    TEST_CASE("one busy worker where there are two processors: more jobs") {
        ten_seconds is;
        is.all.workers.workers = is.all.workers.wanted = 1;
        is.busy(9.9);
        CHECK(is.judged().by == bound::cpu);
        CHECK(is.judged().flag == "--jobs 2");
    }

    TEST_CASE("nothing to suggest where the level is the lowest and every processor has a worker") {
        ten_seconds is;
        is.busy(9.9);
        is.job().level = 1;
        CHECK(is.judged().by == bound::cpu);
        CHECK(is.judged().flag == "");
    }

    TEST_CASE("fewer workers than were wanted, all busy: the budget had no room for more") {
        ten_seconds is;
        is.all.workers.workers = 1;
        is.busy(9.9);
        CHECK(is.judged().by == bound::memory);
        CHECK(is.judged().flag == "--memory 64MiB");
        is.all.budget.limit_bytes = 100 * MiB;
        CHECK(is.judged().flag == "--memory 256MiB");
    }

    TEST_CASE("a sink that writes all the time, blocked or not: the sink, though workers are busy meanwhile") {
        for (bool const blocked : {false, true}) {
            ten_seconds is;
            is.busy(6);
            (blocked ? is.at(stage::sink).waiting_seconds : is.at(stage::sink).busy_seconds) = 9.8;
            is.job().idle.budget_seconds = 8;
            CHECK(is.judged().by == bound::sink);
            CHECK(is.judged().flag == "");  // no processor is free to compress more
            is.busy(2);
            CHECK(is.judged().flag == "--level 9");
        }
        ten_seconds plain;
        plain.at(stage::sink).waiting_seconds = 9.8;
        plain.job().format = "tar";
        plain.job().level = 0;
        CHECK(plain.judged().flag == "--format tar.zst");
    }

    TEST_CASE("grants that wait for descriptors while there is memory: the limit of open files") {
        ten_seconds is;
        is.busy(1);
        is.job().idle.budget_seconds = 16;
        is.all.budget.used_bytes = 3 * MiB;
        is.all.budget.limit_slots = is.all.budget.used_slots = 16;
        CHECK(is.judged().by == bound::memory);
        CHECK(is.judged().flag.empty());
        CHECK(is.judged().sentence.starts_with("bound by the limit of open files: all 16 descriptors"));
        is.all.budget.used_bytes = 23 * MiB;
        CHECK(is.judged().sentence.starts_with("bound by the memory budget"));
    }

    TEST_CASE("workers that wait for grants while the sink does too: memory; while it writes: the sink") {
        ten_seconds is;
        is.busy(4);
        is.job().idle.budget_seconds = 11;
        is.at(stage::sink).busy_seconds = 2;
        CHECK(is.judged().by == bound::memory);
        is.at(stage::sink).busy_seconds = 7;
        CHECK(is.judged().by == bound::sink);
    }

    TEST_CASE("workers that wait for reads: the disk; with the thread pool by choice, io_uring") {
        ten_seconds is;
        is.busy(3);
        is.job().idle.device_seconds = 12;
        is.job().idle.budget_seconds = 2;
        CHECK(is.judged().by == bound::disk);
        CHECK(is.judged().flag == "");
        is.all.io.backend = "threads";
        CHECK(is.judged().flag == "--io uring");
        is.all.io.fallback_errno = 1;  // there is none
        CHECK(is.judged().flag == "");
    }

    TEST_CASE("workers that wait for the walk: the walk, or the disk where it is blocked there") {
        ten_seconds is;
        is.busy(2);
        is.job().idle.walk_seconds = 15;
        is.at(stage::walk).busy_seconds = 9;
        CHECK(is.judged().by == bound::walk);
        is.at(stage::walk).busy_seconds = 1;
        is.at(stage::walk).waiting_seconds = 8;
        CHECK(is.judged().by == bound::disk);
    }

    TEST_CASE("a full window is the sink's doing, unless what is in it is being read") {
        ten_seconds is;
        is.busy(3);
        is.job().idle.window_seconds = 13;
        is.at(stage::sink).busy_seconds = 4;
        CHECK(is.judged().by == bound::sink);
        is.at(stage::read).waiting_seconds = 40;
        CHECK(is.judged().by == bound::disk);
    }

    TEST_CASE("a worker that waits now is waiting for what is under way now") {
        ten_seconds is;  // nothing was counted yet: both wait since the beginning
        is.at(stage::read).depth = 4;
        CHECK(is.judged().by == bound::disk);
        is.at(stage::budget_wait).depth = 1;
        CHECK(is.judged().by == bound::memory);
        is.at(stage::sink).waiting_seconds = 10;
        CHECK(is.judged().by == bound::sink);
    }

    TEST_CASE("only what lies between the two looks counts, without pauses") {
        ten_seconds before;
        before.busy(10);
        ten_seconds after;
        after.busy(10);
        after.job().seconds = 30;
        after.job().paused_seconds = 10;
        after.at(stage::sink).waiting_seconds = 9.9;
        CHECK(judge(before.all, after.all, 7).by == bound::sink);
        after.job().paused_seconds = 20;
        CHECK(judge(before.all, after.all, 7).by == bound::nothing);
    }

    TEST_CASE("too short a time, and a job that is not there: nothing is said against anybody") {
        ten_seconds is;
        is.busy(0.01);
        is.job().seconds = 0.01;
        CHECK(is.judged().by == bound::nothing);
        CHECK(judge({}, is.all, 8).by == bound::nothing);
        CHECK(judge({}, {}, 7).by == bound::nothing);
        CHECK(is.judged().flag == "");
    }
}

}  // namespace submitit::status
