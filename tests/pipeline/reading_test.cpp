// SPDX-License-Identifier: Apache-2.0
#include "pipeline/reading.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <string>
#include <vector>

TEST_SUITE_BEGIN("pipeline/reading");

namespace submitit::pipeline {
namespace {

file_stat described(std::uint64_t size) {
    file_stat stat;
    stat.dev = 1;
    stat.ino = 42;
    stat.size = size;
    stat.mode = S_IFREG | 0644;
    stat.nlink = 1;
    stat.uid = 1000;
    stat.gid = 100;
    stat.mtime = {1000, 5};
    stat.ctime = {2000, 6};
    return stat;
}

/// One file as the walk saw it, and the read of it as far as a test says.
struct fixture {
    fixture() {
        entry.name = "file";
        entry.stat = described(100);
        of.entry = &entry;
        of.planned_bytes = 100;
        of.op.bytes = 100;
    }

    /// A read that ended well, the file being `now` before and after it.
    void finish(file_stat const& now, std::uint64_t got) {
        of.op.error = {};
        of.op.before = of.op.after = now;
        of.op.got = got;
        of.op.stage = io::read_stage::done;
    }
    walk::entry entry;
    archive::content of;
};

}  // namespace

TEST_CASE_FIXTURE(fixture, "a file read as the walk described it is settled") {
    finish(entry.stat, 100);
    CHECK(judge_whole(of) == verdict::settled);
    CHECK_FALSE(of.left_out);
    CHECK_FALSE(of.changed);
    CHECK(of.attempts == 0);
}

TEST_CASE_FIXTURE(fixture, "a hard link made meanwhile is no change, a ctime that moved alone is") {
    auto now = entry.stat;
    now.ctime.seconds += 1;
    now.nlink = 2;
    finish(now, 100);
    CHECK(judge_whole(of) == verdict::settled);
    CHECK_FALSE(of.changed);
    now.nlink = 1;
    finish(now, 100);
    CHECK(judge_whole(of) == verdict::try_again);
}

TEST_CASE_FIXTURE(fixture, "any difference of size, time or mode is read again, as the file is described now") {
    auto now = entry.stat;
    SUBCASE("mtime") { now.mtime.nanoseconds += 1; }
    SUBCASE("mode") { now.mode = S_IFREG | 0600; }
    SUBCASE("smaller") { now.size = 60; }
    SUBCASE("empty") { now.size = 0; }
    finish(now, now.size);
    REQUIRE(judge_whole(of) == verdict::try_again);
    CHECK(of.op.got == 0);
    CHECK(of.op.stage == io::read_stage::open);
    CHECK(of.op.before.ino == 0);
    CHECK(of.op.bytes == now.size);
    CHECK(entry.stat.size == now.size);
    CHECK(entry.stat.mode == now.mode);
    CHECK(entry.stat.mtime == now.mtime);
    finish(now, now.size);
    CHECK(judge_whole(of) == verdict::settled);
    CHECK_FALSE(of.changed);
    CHECK_FALSE(of.left_out);
}

TEST_CASE_FIXTURE(fixture, "a file that keeps changing is read four times in all, then stored as changed") {
    auto now = entry.stat;
    for (int attempt = 0; attempt < 3; ++attempt) {
        ++now.mtime.seconds;
        finish(now, 100);
        REQUIRE(judge_whole(of) == verdict::try_again);
    }
    ++now.mtime.seconds;
    finish(now, 100);
    CHECK(judge_whole(of) == verdict::settled);
    CHECK(of.changed);
    CHECK(of.verdict == walk::notice_kind::changed);
    CHECK_FALSE(of.left_out);
    CHECK(entry.stat.mtime == now.mtime);
}

TEST_CASE_FIXTURE(fixture,
                  "a file that outgrew its room is stored as far as it fits, as changed, without another read") {
    auto now = entry.stat;
    now.size = 101;
    finish(now, 100);
    CHECK(judge_whole(of) == verdict::settled);
    CHECK(of.changed);
    CHECK(of.op.got == 100);
}

TEST_CASE_FIXTURE(fixture, "a file that grows back into its room is taken whole") {
    auto now = entry.stat;
    now.size = 40;
    finish(now, 40);
    REQUIRE(judge_whole(of) == verdict::try_again);
    now.size = 100;
    ++now.mtime.seconds;
    finish(now, 40);  // only so many were asked for
    REQUIRE(judge_whole(of) == verdict::try_again);
    CHECK(of.op.bytes == 100);
    finish(now, 100);
    CHECK(judge_whole(of) == verdict::settled);
    CHECK_FALSE(of.changed);
}

TEST_CASE_FIXTURE(fixture, "a short read of a file that says it is unchanged is not believed") {
    finish(entry.stat, 99);
    CHECK(judge_whole(of) == verdict::try_again);
}

TEST_CASE_FIXTURE(fixture, "another inode under the name is left out as replaced") {
    auto now = entry.stat;
    now.ino = 43;
    finish(now, 100);
    CHECK(judge_whole(of) == verdict::settled);
    CHECK(of.left_out);
    CHECK(of.verdict == walk::notice_kind::replaced);
}

TEST_CASE_FIXTURE(fixture, "an error leaves the file out, under the name that says why") {
    using walk::notice_kind;
    for (auto const& [error, kind] : {std::pair{ENOENT, notice_kind::vanished},
                                      {ENOTDIR, notice_kind::vanished},
                                      {ESTALE, notice_kind::vanished},
                                      {ELOOP, notice_kind::replaced},
                                      {ENXIO, notice_kind::replaced},
                                      {EXDEV, notice_kind::replaced},
                                      {EACCES, notice_kind::unreadable},
                                      {EPERM, notice_kind::unreadable},
                                      {EMFILE, notice_kind::unreadable}}) {
        CAPTURE(error);
        for (auto* const judge : {&judge_whole, &judge_segment}) {
            archive::content again = of;
            again.op.error = from_errno(error);
            CHECK(judge(again) == verdict::settled);
            CHECK(again.left_out);
            CHECK(again.verdict == kind);
            CHECK(again.attempts == 0);
        }
    }
}

TEST_CASE_FIXTURE(fixture, "an error of the device is tried once more") {
    for (int const error : {EIO, EUCLEAN, EBADMSG}) {
        for (auto* const judge : {&judge_whole, &judge_segment}) {
            archive::content again = of;
            again.op.error = from_errno(error);
            again.op.got = 7;
            REQUIRE(judge(again) == verdict::try_again);
            CHECK_FALSE(again.op.error);
            CHECK(again.op.got == 0);
            CHECK(again.op.bytes == 100);
            again.op.error = from_errno(error);
            CHECK(judge(again) == verdict::settled);
            CHECK(again.left_out);
            CHECK(again.verdict == walk::notice_kind::unreadable);
        }
    }
}

TEST_CASE_FIXTURE(fixture, "a segment is never read again for a change, and keeps what it got") {
    auto now = entry.stat;
    SUBCASE("unchanged") {
        finish(now, 100);
        CHECK(judge_segment(of) == verdict::settled);
        CHECK_FALSE(of.changed);
    }
    SUBCASE("modified") {
        ++now.mtime.seconds;
        finish(now, 100);
        CHECK(judge_segment(of) == verdict::settled);
        CHECK(of.changed);
    }
    SUBCASE("shorter") {
        now.size = 30;
        finish(now, 30);
        CHECK(judge_segment(of) == verdict::settled);
        CHECK(of.changed);
        CHECK(of.op.got == 30);
    }
    SUBCASE("another file") {
        now.ino = 1;
        finish(now, 100);
        CHECK(judge_segment(of) == verdict::settled);
        CHECK(of.left_out);
        CHECK(of.verdict == walk::notice_kind::replaced);
    }
    CHECK(entry.stat.size == 100);
    CHECK(of.attempts == 0);
}

TEST_CASE_FIXTURE(fixture, "a changed file keeps the owner the walk saw, and counts as linked if it was") {
    entry.stat.nlink = 3;
    auto now = entry.stat;
    now.uid = now.gid = 3'000'000;
    now.nlink = 1;
    now.size = 10;
    finish(now, 10);
    REQUIRE(judge_whole(of) == verdict::try_again);
    CHECK(entry.stat.uid == 1000);
    CHECK(entry.stat.gid == 100);
    CHECK(entry.stat.nlink > 1);  // or a planned link to it could outlive its failure
}

TEST_CASE("notices are of what was left out or changed, in order") {
    std::vector<walk::entry> entries(3);
    std::vector<archive::content> contents(3);
    for (std::size_t i = 0; i < 3; ++i) {
        entries[i].name = std::to_string(i);
        contents[i].entry = &entries[i];
    }
    contents[0].left_out = true;
    contents[0].verdict = walk::notice_kind::vanished;
    contents[0].op.error = from_errno(ENOENT);
    contents[2].changed = true;
    contents[2].verdict = walk::notice_kind::changed;
    std::vector<walk::notice> told;
    collect_notices(contents, told);
    REQUIRE(told.size() == 2);
    CHECK(told[0].path == "0");
    CHECK(told[0].kind == walk::notice_kind::vanished);
    CHECK(told[0].error == from_errno(ENOENT));
    CHECK(told[1].path == "2");
    CHECK(told[1].kind == walk::notice_kind::changed);
}

}  // namespace submitit::pipeline

TEST_SUITE_END();
