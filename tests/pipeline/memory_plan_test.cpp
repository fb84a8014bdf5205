// SPDX-License-Identifier: Apache-2.0
#include "pipeline/memory_plan.hpp"

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

#include "base/sizes.hpp"

TEST_SUITE_BEGIN("pipeline/memory_plan");

namespace submitit::pipeline {
namespace {

std::vector<archive::traits> all_formats() {
    std::vector<archive::traits> all;
    auto const add = [&all](format kind, int level, bool single_frame = false) {
        archive::format_options options;
        options.kind = kind;
        options.level = level;
        options.single_frame = single_frame;
        all.emplace_back(options);
    };
    add(format::tar, 0);
    for (int const level : {1, 6, 9}) add(format::zip, level);
    for (int const level : {1, 6, 9}) add(format::tar_gz, level);
    for (int const level : {1, 3, 9, 19}) add(format::tar_zst, level);
    for (int const level : {3, 19}) add(format::tar_zst, level, true);
    return all;
}

std::string name_of(archive::traits const& format) {
    auto const& options = format.options();
    return std::string{archive::to_string(options.kind)} + " -" + std::to_string(options.level) +
           (options.single_frame ? " single frame" : "");
}

/// What is booked before the first ticket: one ticket must be able to go with this.
std::uint64_t booked(memory_plan const& made) { return made.job.needed_bytes(made.workers); }

}  // namespace

TEST_CASE("a plan never books more than the limit, once the limit is what is needed") {
    auto const seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937_64 random{seed};
    for (auto const& format : all_formats()) {
        CAPTURE(name_of(format));
        for (int round = 0; round < 50; ++round) {
            auto const jobs = static_cast<unsigned>(1 + random() % 64);
            bool const watched = random() % 2 != 0;
            auto const needed = plan_memory(format, 1, jobs, watched).needed_bytes;
            auto const limit = needed + (random() >> (34 + random() % 30));
            auto const made = plan_memory(format, limit, jobs, watched);
            REQUIRE(made.limit_bytes == limit);
            REQUIRE(made.needed_bytes == needed);
            REQUIRE(booked(made) <= limit);
            REQUIRE(made.workers >= 1);
            REQUIRE(made.workers <= jobs);
        }
    }
}

TEST_CASE("what is needed is needed to the byte, whatever the number of jobs") {
    for (auto const& format : all_formats()) {
        CAPTURE(name_of(format));
        for (unsigned const jobs : {1U, 2U, 64U}) {
            auto const needed = plan_memory(format, 1, jobs, false).needed_bytes;
            auto const just = plan_memory(format, needed, jobs, false);
            CHECK(just.workers == 1);
            CHECK(booked(just) == needed);
            CHECK(booked(plan_memory(format, needed - 1, jobs, false)) > needed - 1);
            constexpr auto sources = job_windows{}.source_bytes_min;
            CHECK(plan_memory(format, 1, jobs, true).needed_bytes == needed + job_windows{}.walk_bytes + sources);
            CHECK(plan_memory(format, 1, jobs, false, sources).needed_bytes == needed);
            CHECK(plan_memory(format, 1, jobs, false, sources + 12'345).needed_bytes == needed + 12'345);
        }
    }
}

TEST_CASE("more memory never means fewer workers, and every worker that fits with a ticket of its own is there") {
    for (auto const& format : all_formats()) {
        CAPTURE(name_of(format));
        auto const needed = plan_memory(format, 1, 16, false).needed_bytes;
        unsigned before = 1;
        for (auto limit = needed; limit < needed + 4 * GiB; limit += 5 * MiB) {
            auto const made = plan_memory(format, limit, 16, false);
            REQUIRE(made.workers >= before);
            before = made.workers;
            auto const grant = made.job.booking.head_reserve.bytes;
            if (made.workers > 1) REQUIRE(booked(made) + made.workers * grant <= limit);
            if (made.workers == 16) break;
            auto const one_more = format.worker_bytes() * (made.workers + 1) + made.job.booking.fixed_bytes -
                                  format.container_bytes(made.workers) + format.container_bytes(made.workers + 1) +
                                  (made.workers + 2) * grant;
            REQUIRE(one_more > limit);
        }
        CHECK(before == 16);
    }
}

TEST_CASE("the default has room for every worker, and is never below 64 MiB") {
    for (auto const& format : all_formats()) {
        CAPTURE(name_of(format));
        for (unsigned const jobs : {1U, 2U, 8U, 64U}) {
            auto const made = plan_memory(format, 0, jobs, false);
            CHECK(made.workers == jobs);
            CHECK(made.limit_bytes >= 64 * MiB);
            CHECK(booked(made) + jobs * made.job.booking.head_reserve.bytes <= made.limit_bytes);
        }
    }
    CHECK(plan_memory(archive::traits{{.kind = format::zip}}, 0, 2, false).limit_bytes == 64 * MiB);
}

TEST_CASE("no ticket's records outgrow what one grant holds for them") {
    archive::traits const format{{.kind = format::tar}};
    auto const room = plan_memory(format, 0, 1, false).job.booking.head_reserve.bytes - format.slab_bytes();
    plan::ticket batch;
    CHECK(ticket_records_bytes(batch, format.limits()) > 0);
    std::uint64_t before = 0;
    for (std::size_t i = 0; i < plan::batch_limits{}.entries_max; ++i) {
        walk::entry entry;
        entry.name = std::string(600, 'n');
        batch.entries.push_back(entry);
        auto const now = ticket_records_bytes(batch, format.limits());
        REQUIRE(now >= before + 600);
        REQUIRE(now <= room);
        before = now;
    }
    walk::entry largest;
    largest.name = std::string(walk::name_bytes_max, 'n');
    largest.link_target = largest.name;
    largest.xattrs.push_back({"user.x", std::string(walk::xattr_bytes_max - 6, 'x')});
    batch.entries.back() = largest;
    CHECK(ticket_records_bytes(batch, format.limits()) <= room);
}

}  // namespace submitit::pipeline

TEST_SUITE_END();
