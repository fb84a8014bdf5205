// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "io/engines.hpp"

using namespace submitit;
using namespace submitit::io;
using namespace submitit::io::testing;

TEST_SUITE_BEGIN("io/cached_read");

TEST_CASE("a file in the cache is read without a backend, and done is left to the caller") {
    if (!probe().cached_reads) return;
    scratch const dir;
    auto const content = pattern(300'000, 1);
    dir.put("file", content);
    reads one;
    auto& op = one.add(dir.fd(), "file", content.size());
    op.done = [](read_op&) noexcept { FAIL("called"); };
    REQUIRE(try_cached_read(op));
    CHECK(op.stage == read_stage::done);
    CHECK((one.content(0) == content));
    CHECK(op.after.unchanged_since(op.before));
}

TEST_CASE("a file whose pages were dropped would wait, and a backend completes what the attempt began") {
    if (!probe().cached_reads) return;
    scratch const dir;
    auto const content = pattern(std::size_t{4} << 20U, 2);
    dir.put("file", content);
    on_backends({}, [&](backend& engine) {
        dir.chill("file");
        {  // one page of the middle back again, without read-ahead
            auto const file = dir.open("file");
            REQUIRE(::posix_fadvise(file.get(), 0, 0, POSIX_FADV_RANDOM) == 0);
            char byte = 0;
            REQUIRE(::pread(file.get(), &byte, 1, 1 << 20U) == 1);
        }
        reads one;
        auto& op = one.add(dir.fd(), "file", 1 << 20U, 1 << 20U);
        REQUIRE_FALSE(try_cached_read(op));
        CHECK(op.got > 0);
        CHECK(op.got < op.bytes);
        auto const already = op.got;
        one.run(engine);
        CHECK(op.stage == read_stage::done);
        auto const from = content.begin() + (1 << 20U);
        CHECK((one.content(0) == bytes(from, from + (1 << 20U))));
        CHECK(engine.counters().bytes == op.bytes - already);
    });
}

TEST_CASE("a file that changed after the attempt is read from the start") {
    scratch const dir;
    on_backends({}, [&](backend& engine) {
        dir.put("file", pattern(50'000, 3));
        reads one;
        auto& op = one.add(dir.fd(), "file", 50'000);
        static_cast<void>(try_cached_read(op));
        op.got = 20'000;
        auto const newer = pattern(60'000, 4);
        dir.put("file", newer);
        one.run(engine);
        CHECK((one.content(0) == bytes(newer.begin(), newer.begin() + 50'000)));
        CHECK(op.before.size == 60'000);
    });
}

TEST_CASE("without a descriptor left it says so by leaving the op to a backend") {
    scratch const dir;
    dir.put("file", pattern(10, 5));
    reads one;
    auto& op = one.add(dir.fd(), "file", 10);
    ::rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    auto none = before;
    none.rlim_cur = 0;
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
    bool const finished = try_cached_read(op);
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
    CHECK_FALSE(finished);
    CHECK(op.got == 0);
}

TEST_SUITE_END();
