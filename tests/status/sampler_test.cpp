// SPDX-License-Identifier: Apache-2.0
#include "status/sampler.hpp"

#include <doctest/doctest.h>

namespace submitit::status {
namespace {

/// One job that a test moves on, and the sampler that looks at it.
struct watched {
    double now = 1000;
    job_figures job;
    bool there = true;
    sampler looks{[this](snapshot& into) {
                      into.jobs.clear();
                      if (there) into.jobs.push_back(job);
                  },
                  [this] { return now; }};

    watched() {
        job.id = 1;
        job.state = job_state::running;
    }
    job_figures after(double seconds, std::uint64_t content, std::uint64_t output = 0) {
        now += seconds;
        job.seconds += seconds;
        job.content_bytes += content;
        job.output_bytes += output;
        return looks.sample().jobs.front();
    }
};

}  // namespace

TEST_SUITE("status/sampler") {
    TEST_CASE("rates are those of the last seconds, and of all of it once it has ended") {
        watched one;
        CHECK(one.after(1, 100, 50).bytes_per_second == doctest::Approx(100));
        for (int i = 0; i < 4; ++i) static_cast<void>(one.after(1, 100, 50));
        CHECK(one.after(1, 100, 50).output_bytes_per_second == doctest::Approx(50));
        for (int i = 0; i < 6; ++i) static_cast<void>(one.after(1, 1000));
        CHECK(one.after(1, 1000).bytes_per_second == doctest::Approx(1000));
        CHECK(one.looks.last().jobs.front().output_bytes_per_second == 0);
        one.job.state = job_state::done;
        CHECK(one.after(0, 0).bytes_per_second == doctest::Approx(7600.0 / 13));
    }

    TEST_CASE("looks that come close together are answered and not kept") {
        watched one;
        static_cast<void>(one.after(1, 1000));
        for (int i = 0; i < 100; ++i) CHECK(one.after(0.001, 1).bytes_per_second == doctest::Approx(1000).epsilon(0.1));
        CHECK(one.looks.last().sequence == 101);
    }

    TEST_CASE("what is left is told once the total is known, with the range of the last estimates") {
        watched one;
        CHECK_FALSE(one.after(1, 100).fraction.has_value());
        one.job.total_bytes = 1000;
        one.job.totals_known = true;
        auto const second = one.after(1, 100);
        CHECK(*second.fraction == doctest::Approx(0.2));
        CHECK(*second.eta_seconds == doctest::Approx(8));
        CHECK_FALSE(second.eta_error_seconds.has_value());
        static_cast<void>(one.after(1, 100));
        auto const fourth = one.after(1, 100);
        CHECK(*fourth.eta_seconds == doctest::Approx(6));
        CHECK(*fourth.eta_error_seconds == doctest::Approx(0));
        auto const slower = one.after(1, 0);
        CHECK(*slower.eta_seconds == doctest::Approx(7.5));
        CHECK(*slower.eta_error_seconds == doctest::Approx(1.25));
    }

    TEST_CASE("an entry counts beside its bytes, so a tree of empty files has a fraction too") {
        watched one;
        one.job.total_entries = 10;
        one.job.totals_known = true;
        one.job.entries = 4;
        CHECK(*one.after(1, 0).fraction == doctest::Approx(0.4));
    }

    TEST_CASE("a paused job has no end in sight, and its pause is not held against its rate") {
        watched one;
        one.job.total_bytes = 1000;
        one.job.totals_known = true;
        static_cast<void>(one.after(1, 100));
        one.job.state = job_state::paused;
        one.job.paused_seconds = 3;
        auto const paused = one.after(3, 0);
        CHECK_FALSE(paused.eta_seconds.has_value());
        CHECK(paused.fraction.has_value());
        one.job.state = job_state::running;
        CHECK(one.after(1, 100).bytes_per_second == doctest::Approx(100));
        CHECK(*one.looks.last().jobs.front().eta_seconds == doctest::Approx(8));
    }

    TEST_CASE("an ended job is whole, or not, and has nothing left") {
        watched one;
        one.job.total_bytes = 1000;
        one.job.totals_known = true;
        static_cast<void>(one.after(1, 100));
        one.job.state = job_state::failed;
        CHECK_FALSE(one.after(1, 0).fraction.has_value());
        one.job.state = job_state::done;
        CHECK(*one.after(1, 0).fraction == 1);
        CHECK_FALSE(one.after(1, 0).eta_seconds.has_value());
    }

    TEST_CASE("a job that has gone is forgotten; process, build and time are added to what the engine says") {
        watched one;
        static_cast<void>(one.after(1, 100));
        one.there = false;
        one.now = 2000;
        auto const& empty = one.looks.sample();
        CHECK(empty.jobs.empty());
        CHECK(empty.time_seconds == 2000);
        CHECK(empty.process.resident_bytes > 0);
        CHECK(empty.build.version != "");
        one.there = true;
        one.job = {};
        one.job.id = 1;
        CHECK(one.after(1, 7).bytes_per_second == doctest::Approx(7));
    }
}

}  // namespace submitit::status
