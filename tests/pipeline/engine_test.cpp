// SPDX-License-Identifier: Apache-2.0
#include "pipeline/engine.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "base/errc.hpp"
#include "io/backend.hpp"
#include "pipeline/memory_plan.hpp"

namespace submitit::pipeline {
namespace {

archive::traits small(format kind) {
    archive::format_options options;
    options.kind = kind;
    options.level = 1;
    options.small_tickets = true;
    return archive::traits{options};
}

/// The engine's side of a job that waits for its memory, has it, and ends.
class booked_job {
public:
    booked_job(engine& on, format kind) : booked_job{on, kind, plan_job(small(kind), 1, false).booking} {}
    booked_job(engine& on, format kind, memory::booking const& terms) : on_{&on} {
        auto queued = on.enqueue(small(kind), terms);
        REQUIRE(queued.has_value());
        queued_ = std::move(*queued);
    }
    [[nodiscard]] bool is_booked() const { return on_->memory().is_booked(queued_.booking); }
    [[nodiscard]] encoder_set const* begin() {
        queued_.encoders = on_->share(queued_.encoders);
        return queued_.encoders.get();
    }
    void end() {
        on_->memory().close(queued_.booking);
        queued_.encoders.reset();
    }

private:
    engine* on_;
    engine::queued_job queued_;
};

std::uint64_t needed(format kind) { return plan_job(small(kind), 1, false).needed_bytes(1); }

std::unique_ptr<runtime> one_worker() {
    auto selected = io::select_backend({.kind = io::backend_kind::threads});
    REQUIRE(selected.has_value());
    return std::make_unique<threads_runtime>(std::move(selected->engine), 1, 1);
}

}  // namespace

TEST_SUITE("pipeline/engine") {
    // A job took the encoders of a running one of its format, waited for its memory behind a job of another format, and that one
    // waited for the memory of those encoders: neither ever went on. Found by the simulation.
    TEST_CASE("a job that waits does not hold the encoders that a job before it needs the memory of") {
        engine on{std::max(needed(format::zip), needed(format::tar_gz)), 8, one_worker()};
        booked_job first{on, format::zip};
        CHECK(first.is_booked());
        static_cast<void>(first.begin());
        booked_job other{on, format::tar_gz};
        booked_job last{on, format::zip};
        CHECK_FALSE(other.is_booked());
        first.end();
        CHECK(other.is_booked());
        CHECK_FALSE(last.is_booked());
        other.end();
        CHECK(last.is_booked());
        last.end();
        CHECK(on.memory().stats().used_bytes == 0);
    }

    TEST_CASE("jobs of one format share their encoders, whether they had to wait or not") {
        auto const encoders = plan_job(small(format::zip), 1, false).encoder_bytes;
        memory::booking const terms{.head_reserve = {1, 1}, .fixed_bytes = 3 * encoders};
        engine on{8 * encoders + 2, 8, one_worker()};  // two jobs, and encoders twice
        booked_job first{on, format::zip, terms};
        auto const* const used = first.begin();
        booked_job second{on, format::zip, terms};
        CHECK(second.is_booked());
        CHECK(second.begin() == used);
        booked_job third{on, format::zip, terms};   // the first to wait: it shares already
        booked_job fourth{on, format::zip, terms};  // it does not
        CHECK_FALSE(third.is_booked());
        first.end();
        CHECK(third.is_booked());
        CHECK(third.begin() == used);
        CHECK_FALSE(fourth.is_booked());
        second.end();
        CHECK(fourth.is_booked());
        CHECK(on.memory().stats().used_bytes == 8 * encoders);
        CHECK(fourth.begin() == used);
        CHECK(on.memory().stats().used_bytes == 7 * encoders);
        third.end();
        fourth.end();
        CHECK(on.memory().stats().committed_bytes == 0);
    }

    TEST_CASE("a job whose memory and encoders do not fit together is refused, also where others have the encoders") {
        auto const format = small(format::zip);
        auto const modest = plan_job(format, 1, false);
        auto const watched = plan_job(format, 1, true);  // needs a second walk's window
        engine on{modest.needed_bytes(1), 8, one_worker()};
        booked_job running{on, format::zip};
        static_cast<void>(running.begin());
        REQUIRE(watched.booking.fixed_bytes > modest.booking.fixed_bytes);
        auto const refused = on.enqueue(format, watched.booking);
        CHECK(refused.error() == errc::budget_too_small);
        running.end();
    }
}

}  // namespace submitit::pipeline
