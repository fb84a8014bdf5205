// SPDX-License-Identifier: Apache-2.0
// What comes out of other people's programs equals what went in.
#include <doctest/doctest.h>

#include "base/sizes.hpp"
#include "format/readers.hpp"
#include "support/program.hpp"
#include "support/temp_tree.hpp"

namespace submitit::testing {
namespace {

/// Exports `src` of the tree to every format and lets everybody read it, from a file, from a pipe, and unpacked.
void check_all_formats(temp_tree const& at, std::vector<std::string> const& not_unpacked_by = {}) {
    command const here{.directory = at.path()};
    auto const source = snapshot(at / "src");
    for (std::string const suffix : all_suffixes) {
        CAPTURE(suffix);
        auto const archive = at / ("x" + suffix);
        auto const done = export_to(archive, {"src", "--no-sync"}, here);
        INFO("standard error: ", done.err);
        REQUIRE(done.status == 0);
        CHECK(submitit({"verify", archive, "--against", at / "src"}).status == 0);
        check_readers(archive);
        check_extracted(archive, "src", source, {}, not_unpacked_by);
        check_piped(program({"export", "src", "-o", "-", "-f", suffix.substr(1)}, here), suffix);
    }
}

}  // namespace

TEST_SUITE("format/round trip") {
    TEST_CASE("sizes around every boundary of the engine") {
        temp_tree const at;
        for (std::uint64_t const around : {1 * MiB, 4 * MiB}) {
            for (int const step : {-1, 0, 1}) {
                auto const bytes = static_cast<std::size_t>(static_cast<std::int64_t>(around) + step);
                at.put("src/text-" + std::to_string(bytes), prose(bytes));
            }
        }
        at.put("src/noise-1MiB-1.jpg", noise(1 * MiB - 1, 1));
        at.put("src/noise-4MiB+1.jpg", noise(4 * MiB + 1, 2));
        for (std::size_t const bytes : {0U, 1U, 2U, 511U, 512U, 513U, 4095U, 4096U, 65535U, 65536U})
            at.put("src/small-" + std::to_string(bytes), noise(bytes, 3));
        check_all_formats(at);
    }

    TEST_CASE("links, empty directories, modes and times") {
        temp_tree const at;
        at.put("src/a", prose(3000));
        at.put("src/run", "#!/bin/sh\n");
        at.mode("src/run", 0755);
        at.put("src/secret", "s");
        at.mode("src/secret", 0600);
        at.put("src/write-only", "w");
        at.mode("src/write-only", 0222);
        at.put("src/large-linked", noise(2'500'000, 1));
        at.hard_link("src/z-second", "src/large-linked");
        at.hard_link("src/sub/z-third", "src/large-linked");
        at.hard_link("src/b", "src/a");
        at.directory("src/empty");
        at.directory("src/also/empty");
        at.mode("src/empty", 0700);
        at.symlink("src/to-a", "a");
        at.symlink("src/to-sub", "sub");
        at.symlink("src/dangling", "no/such");
        at.symlink("src/long-target", std::string(60, 't') + '/' + std::string(120, 'u'));
        at.modified("src/a", 1'000'000'000);
        at.modified("src/run", 1'234'567'890, 123'456'789);
        at.modified("src/secret", 1'700'000'001, 1);
        at.modified("src/empty", 1'111'111'111, 500'000'000);
        at.modified("src/to-a", 1'222'222'222, 250'000'000);
        check_all_formats(at);
    }

    TEST_CASE("thousands of small files in many directories") {
        temp_tree const at;
        for (std::size_t i = 0; i < 1200; ++i)
            at.put("src/d" + std::to_string(i % 37) + "/e" + std::to_string(i % 5) + "/f" + std::to_string(i),
                   prose(i * 13 % 3000));
        check_all_formats(at);
    }

    TEST_CASE("an empty directory alone, and a single file") {
        temp_tree const at;
        at.directory("src");
        check_all_formats(at);
        command const here{.directory = at.path()};
        at.put("one", "1");
        for (std::string const suffix : all_suffixes) {
            REQUIRE(export_to("one" + suffix, {"one"}, here).status == 0);
            check_readers(at / ("one" + suffix));
        }
    }

    TEST_CASE("500 directories deep") {
        temp_tree const at;
        std::string deep = "src";
        for (int i = 0; i < 500; ++i) deep += "/d";
        at.put(deep + "/leaf", "at the bottom");
        at.put("src/top", "at the top");
        check_all_formats(
            at, {"7zz", "unzip"});  // these two unpack it, too, in seconds: they begin at the top for each name
    }

    TEST_CASE("files with holes come back with their zeros") {
        temp_tree const at;
        at.sparse("src/hole", 9 * MiB);
        at.put("src/data", prose(100));
        check_all_formats(at);
    }

    TEST_CASE("--single-frame is one zstd frame that every reader takes") {
        temp_tree const at;
        at.put("src/a", prose(9'000'000));
        at.put("src/b", noise(1'000'000, 1));
        command const here{.directory = at.path()};
        REQUIRE(export_to("x.tar.zst", {"src", "--single-frame"}, here).status == 0);
        check_readers(at / "x.tar.zst");
        check_extracted(at / "x.tar.zst", "src", snapshot(at / "src"));
        check_piped(program({"export", "src", "--single-frame", "-o", "-", "-f", "tar.zst"}, here), ".tar.zst");
        CHECK(submitit({"verify", at / "x.tar.zst"}).status == 0);
    }

    TEST_CASE("every level is read by everybody") {
        temp_tree const at;
        at.put("src/text", prose(2'200'000));
        at.put("src/noise", noise(50'000, 1));
        for (int i = 0; i < 30; ++i) at.put("src/small" + std::to_string(i), prose(static_cast<std::size_t>(i * 100)));
        command const here{.directory = at.path()};
        for (std::string const suffix : {".zip", ".tar.gz", ".tar.zst"}) {
            for (std::string const level : {"1", "2", "4", "9", "store"}) {
                if (level == "store" && suffix != ".zip") continue;
                CAPTURE(suffix);
                CAPTURE(level);
                REQUIRE(export_to("x" + suffix, {"src", "-l", level}, here).status == 0);
                check_readers(at / ("x" + suffix), {"python3"});
                CHECK(submitit({"verify", at / ("x" + suffix), "--against", at / "src"}).status == 0);
            }
        }
    }
}

}  // namespace submitit::testing
