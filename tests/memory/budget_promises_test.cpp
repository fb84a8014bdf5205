// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "memory/budget.hpp"

using namespace submitit::memory;

namespace {

/// The exit status of a process that does `act` to a budget of 100 bytes and 2 slots, where job 0 has a reserve of 40
/// bytes and 1 slot, ticket 0 is granted and ticket 1 (60 more would be too much) is asked for.
template <class Act>
int status_after(Act act) {
    auto const child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        ::close(STDERR_FILENO);
        budget b{100, 2};
        auto const job = b.open_job({.head_reserve = {40, 1}, .fixed_bytes = 50});
        b.ask(*job, 0, {40, 1});
        b.ask(*job, 1, {40, 1});
        act(b, *job);
        ::_exit(0);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

TEST_SUITE("memory/budget broken promises") {
    TEST_CASE("a caller that keeps its promises is not ended") {
        CHECK(status_after([](budget& b, job_id j) {
                  b.ask(j, 2, {40, 1});
                  b.retire(j, 0);
                  b.cancel(j);
                  b.cancel(j);
                  b.retire(j, 1);
                  b.close_job(j);
              }) == 0);
    }

    TEST_CASE("a broken promise ends the process with status 70") {
        int status = 0;
        SUBCASE("a ticket out of sequence") {
            status = status_after([](budget& b, job_id j) { b.ask(j, 3, {}); });
        }
        SUBCASE("a ticket asked for twice") {
            status = status_after([](budget& b, job_id j) { b.ask(j, 1, {}); });
        }
        SUBCASE("more bytes than reserved") {
            status = status_after([](budget& b, job_id j) { b.ask(j, 2, {41, 1}); });
        }
        SUBCASE("more slots than reserved") {
            status = status_after([](budget& b, job_id j) { b.ask(j, 2, {40, 2}); });
        }
        SUBCASE("growing a grant") {
            status = status_after([](budget& b, job_id j) { b.shrink(j, 0, {41, 1}); });
        }
        SUBCASE("shrinking what is not granted") {
            status = status_after([](budget& b, job_id j) { b.shrink(j, 1, {}); });
        }
        SUBCASE("retiring what is not granted") {
            status = status_after([](budget& b, job_id j) { b.retire(j, 1); });
        }
        SUBCASE("retiring twice") {
            status = status_after([](budget& b, job_id j) {
                b.retire(j, 0);
                b.retire(j, 0);
            });
        }
        SUBCASE("asking after cancel") {
            status = status_after([](budget& b, job_id j) {
                b.cancel(j);
                b.ask(j, 1, {});
            });
        }
        SUBCASE("closing with tickets in flight") {
            status = status_after([](budget& b, job_id j) { b.close_job(j); });
        }
        SUBCASE("a job that is not open") {
            status = status_after([](budget& b, job_id j) { b.cancel(j + 1); });
        }
        CHECK(status == 70);
    }
}
