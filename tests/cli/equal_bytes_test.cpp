// SPDX-License-Identifier: Apache-2.0
// When two exports have equal bytes.
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include <regex>

#include "codec/sample_data.hpp"
#include "support/archive_entries.hpp"
#include "support/program.hpp"
#include "support/temp_tree.hpp"

namespace submitit::testing {
namespace {

using names = std::vector<std::string>;

/// Small and large, text and noise, links and an attribute.
void put_varied_tree(temp_tree const& at) {
    for (std::size_t i = 0; i < 700; ++i)
        at.put("src/d" + std::to_string(i % 9) + "/f" + std::to_string(i), prose(i * 37 % 5000));
    at.put("src/large-text", prose(6'300'000));
    at.put("src/large-noise", noise(2'200'000, 9));
    at.put("src/edge", prose(1U << 20U));
    at.symlink("src/link", "large-text");
    at.hard_link("src/zz-second-name", "src/large-text");
    at.directory("src/empty");
}

struct exporting {
    temp_tree at;
    command here;
    exporting() { here.directory = at.path(); }

    /// The bytes of an export with these arguments.
    [[nodiscard]] std::string bytes(std::string const& suffix, names arguments) const {
        arguments.insert(arguments.begin(), {"src", "--no-sync"});
        auto const done = export_to("x" + suffix, std::move(arguments), here);
        INFO("standard error: ", done.err);
        REQUIRE(done.status == 0);
        return at.read("x" + suffix);
    }
};

}  // namespace

TEST_SUITE("cli/equal bytes") {
    TEST_CASE("--jobs, --memory and --io never show in the bytes") {
        exporting const by;
        put_varied_tree(by.at);
        for (std::string const suffix : all_suffixes) {
            auto const first = by.bytes(suffix, {"-j", "1"});
            for (names const& arguments : {names{"-j", "2"}, names{"-j", "8"}, names{"--io", "threads"},
                                           names{"--io", "threads", "-j", "8", "-m", "32MiB"}, names{"-m", "32MiB"},
                                           names{"-m", "512MiB", "-j", "8"}, names{"--progress", "json", "-j", "2"}}) {
                CAPTURE(suffix);
                CAPTURE(arguments.front());
                CAPTURE(arguments.back());
                CHECK(by.bytes(suffix, arguments) == first);
            }
        }
        CHECK(by.bytes(".tar.zst", {"--single-frame", "-j", "1"}) ==
              by.bytes(".tar.zst", {"--single-frame", "-j", "8"}));
    }

    TEST_CASE("--single-frame: 20 MB of everything in one zstd frame, whole, and the same for every number of jobs") {
        exporting const by;
        put_varied_tree(by.at);
        std::uint64_t seed = 0;
        for (auto const kind : codec::test::all_kinds) {
            auto const sample = codec::test::make(kind, 1'000'000, ++seed);
            by.at.put(std::string{"src/sample-"} + codec::test::name_of(kind),
                      {reinterpret_cast<char const*>(sample.data()), sample.size()});
        }
        for (int i = 0; i < 3; ++i) by.at.put("src/mixed" + std::to_string(i), noise(1'500'000, 20) + prose(1'000'000));
        auto const all = by.bytes(".tar.zst", {"--single-frame", "-j", "1"});
        CHECK(by.bytes(".tar.zst", {"--single-frame", "-j", "4"}) == all);
        CHECK(::ZSTD_findFrameCompressedSize(all.data(), all.size()) == all.size());
        CHECK(submitit({"verify", "x.tar.zst", "--against", "src"}, by.here).status == 0);
        std::uint64_t content_bytes = 0;
        for (auto const& entry : entries_of(by.at / "x.tar.zst")) {
            content_bytes += entry.content.size();
            if (entry.kind == '-' && entry.content != by.at.read(entry.name)) FAIL_CHECK(entry.name, " differs");
        }
        MESSAGE(content_bytes, " bytes in one frame of ", all.size());
        CHECK(content_bytes > 20'000'000);
        if (!have("zstd")) return;
        auto tool = by.here;
        tool.argv = {"zstd", "-t", "-q", "x.tar.zst"};
        CHECK(run(tool).status == 0);
        tool.argv = {"zstd", "-l", "x.tar.zst"};  // Frames, Skips, ...
        auto const lines = lines_of(run(tool).out);
        REQUIRE_FALSE(lines.empty());
        CHECK(std::regex_search(lines.back(), std::regex{"^ *1 +0 "}));
    }

    TEST_CASE("--reproducible: owners, attributes and the time zone do not show; mtime is at most SOURCE_DATE_EPOCH") {
        exporting by;
        put_varied_tree(by.at);
        by.here.environment = {{"SOURCE_DATE_EPOCH", "1700000000"}, {"TZ", "UTC"}};
        for (std::string const suffix : all_suffixes) {
            CAPTURE(suffix);
            auto const first = by.bytes(suffix, {"--reproducible"});
            for (std::size_t i = 0; i < 700; i += 50)
                by.at.modified("src/d" + std::to_string(i % 9) + "/f" + std::to_string(i), 1'800'000'000, 123);
            static_cast<void>(by.at.attribute("src/edge", "user.colour", "blue"));
            if (::geteuid() == 0) REQUIRE(::lchown((by.at / "src/edge").c_str(), 12345, 54321) == 0);
            by.here.environment = {
                {"SOURCE_DATE_EPOCH", "1700000000"}, {"TZ", "Asia/Tokyo"}, {"LC_ALL", "C"}, {"HOME", "/"}};
            CHECK(by.bytes(suffix, {"--reproducible", "-j", "8", "-m", "48MiB", "--io", "threads"}) == first);
        }
        REQUIRE(export_to("y.tar", {"src", "--reproducible"}, by.here).status == 0);
        for (auto const& entry : entries_of(by.at / "y.tar")) {
            CAPTURE(entry.name);
            CHECK(entry.mtime <= 1'700'000'000);
            CHECK(entry.uid == 0);
            CHECK(entry.gid == 0);
            CHECK(entry.owner == "");
            CHECK(entry.group == "");
            CHECK(entry.attributes.empty());
        }
    }

    TEST_CASE("--reproducible keeps an mtime that is older than SOURCE_DATE_EPOCH") {
        exporting by;
        by.at.put("src/old", "old");
        by.at.put("src/new", "new");
        by.at.modified("src/old", 1'000'000'000);
        by.at.modified("src/new", 1'900'000'000);
        by.here.environment = {{"SOURCE_DATE_EPOCH", "1500000000"}};
        for (auto const* const name : {"x.tar", "x.zip"}) {
            REQUIRE(export_to(name, {"src", "--reproducible"}, by.here).status == 0);
            CHECK(entry_of(by.at / name, "src/old").mtime == 1'000'000'000);
            CHECK(entry_of(by.at / name, "src/new").mtime == 1'500'000'000);
        }
    }

    TEST_CASE("SOURCE_DATE_EPOCH that is no number is refused, and not looked at without --reproducible") {
        exporting by;
        by.at.put("src/a", "a");
        by.here.environment = {{"SOURCE_DATE_EPOCH", "yesterday"}};
        CHECK(export_to("x.zip", {"src", "--reproducible"}, by.here).status == 2);
        CHECK_FALSE(by.at.exists("x.zip"));
        CHECK(export_to("x.zip", {"src"}, by.here).status == 0);
    }

    TEST_CASE("DOS times are local without --reproducible and UTC with it") {
        exporting by;
        by.at.put("src/a", "a");
        by.at.modified("src/a", 1'600'000'000);
        auto const dos_time = [&](char const* zone, bool reproducible) {
            by.here.environment = {{"TZ", zone}, {"SOURCE_DATE_EPOCH", ""}};
            auto const all =
                by.bytes(".zip", reproducible ? names{"--reproducible", "--prefix", ""} : names{"--prefix", ""});
            return all.substr(10, 4);
        };
        CHECK(dos_time("UTC-9", true) == dos_time("UTC", true));
        CHECK(dos_time("UTC", false) == dos_time("UTC", true));
        CHECK(dos_time("UTC-9", false) != dos_time("UTC", false));
    }
}

}  // namespace submitit::testing
