// SPDX-License-Identifier: Apache-2.0
// The edges at 65,535 entries and 4 GiB. Slow: it moves gigabytes of zeros.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/sizes.hpp"
#include "format/readers.hpp"
#include "support/program.hpp"
#include "support/temp_tree.hpp"

namespace submitit::testing {
namespace {

using names = std::vector<std::string>;
constexpr std::uint64_t huge_bytes = 4 * GiB + 12'345;

struct huge_source {
    temp_tree at;
    command here;
    huge_source() {
        at.sparse("src/huge", huge_bytes);
        at.put("src/then", "what comes after it");
        here.directory = at.path();
    }

    [[nodiscard]] bool lists_huge(std::string const& listing) const {
        return contains(listing, std::to_string(huge_bytes)) && contains(listing, "src/then");
    }
    /// What the program's own list says: the size of the huge entry.
    void check_listed(std::string const& archive) const {
        auto const listed = submitit({"list", "--json", archive}, here);
        CHECK(listed.status == 0);
        CHECK(lists_huge(listed.out));
    }
};

bool has_room(std::string const& directory, std::uint64_t bytes) {
    struct ::statvfs room{};
    REQUIRE(::statvfs(directory.c_str(), &room) == 0);
    bool const enough = std::uint64_t{room.f_bavail} * room.f_frsize >= bytes;
    if (!enough) MESSAGE("not enough room on the disk: what a zip beyond 4 GiB would show is skipped");
    return enough;
}

}  // namespace

TEST_SUITE("format/large") {
    TEST_CASE("65,534, 65,535, 65,536 and 70,000 entries in a zip: zip64 exactly when needed, read by everybody") {
        temp_tree const at;
        command const here{.directory = at.path()};
        at.directory("src");
        std::size_t made = 1;  // the directory itself
        for (std::size_t const entries : {65'534U, 65'535U, 65'536U, 70'000U}) {
            CAPTURE(entries);
            for (; made < entries; ++made) {
                auto const path = at / ("src/f" + std::to_string(made));
                unique_fd const file{::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644)};
                REQUIRE(file);
            }
            REQUIRE(export_to("x.zip", {"src", "--no-sync", "-m", "64MiB"}, here).status == 0);
            auto const tail = at.read("x.zip").substr(at.read("x.zip").size() - 22 - 20 - 56);
            CHECK(contains(tail, "PK\6\6") == (entries >= 65'535));
            auto const verified = submitit({"verify", "--json", "x.zip"}, here);
            CHECK(verified.status == 0);
            CHECK(number(json_of(verified.out), {"entries"}) == entries);
            if (entries == 65'535 || entries == 70'000) check_readers(at / "x.zip");
            if (have("python3")) CHECK(lines_of(run(python({"sizes", at / "x.zip"})).out).size() == entries);
        }
    }

    TEST_CASE("a tar says sizes from 8 GiB on in a pax record, smaller ones in the header") {
        temp_tree const at;
        command const here{.directory = at.path()};
        for (std::uint64_t const bytes : {8 * GiB - 1, 8 * GiB, 8 * GiB + 1}) {
            CAPTURE(bytes);
            at.sparse("huge", bytes);
            at.modified("huge", 1'600'000'000);
            child exporting{program({"export", "huge", "-o", "-", "-f", "tar"}, here)};
            auto const start = exporting.read_output(4096).substr(0, 4096);
            CHECK(contains(start, " size=" + std::to_string(bytes) + "\n") == (bytes >= 8 * GiB));
            CHECK(contains(start, "77777777777") == (bytes == 8 * GiB - 1));
        }
    }

    TEST_CASE("more than 4 GiB in a tar on a pipe: the size is right, and what follows is found") {
        huge_source const from;
        if (!have("tar")) return;
        auto const [written, read] =
            run_piped(program({"export", "src", "-o", "-", "-f", "tar"}, from.here), {.argv = {"tar", "-tv"}});
        CHECK(written.status == 0);
        CHECK(read.status == 0);
        CHECK(from.lists_huge(read.out));
    }

    TEST_CASE("more than 4 GiB in tar.gz, whose length field wraps, and in tar.zst") {
        huge_source const from;
        for (std::string const suffix : {".tar.gz", ".tar.zst"}) {
            CAPTURE(suffix);
            auto const done = export_to("x" + suffix, {"src", "-l", "1", "--no-sync", "--json"}, from.here);
            REQUIRE(done.status == 0);
            CHECK(number(json_of(done.out), {"content_bytes"}) == huge_bytes + 19);
            CHECK(number(json_of(done.out), {"memory", "high_water_bytes"}) <= 64 * MiB);
            CHECK(submitit({"verify", "x" + suffix}, from.here).status == 0);
            auto const reader = suffix == ".tar.gz" ? names{"pigz", "-t", from.at / "x.tar.gz"}
                                                    : names{"tar", "-tvf", from.at / "x.tar.zst"};
            if (!have(reader.front())) continue;
            auto const read = run({.argv = reader});
            CHECK(read.status == 0);
            if (suffix == ".tar.zst") CHECK(from.lists_huge(read.out));
        }
    }

    TEST_CASE("more than 4 GiB in a zip: zip64 sizes, in a file and on a pipe") {
        huge_source const from;
        REQUIRE(export_to("x.zip", {"src", "-l", "1", "--no-sync"}, from.here).status == 0);
        CHECK(submitit({"verify", "x.zip"}, from.here).status == 0);
        from.check_listed("x.zip");
        if (have("python3")) CHECK(from.lists_huge(run(python({"sizes", from.at / "x.zip"})).out));
        if (have("unzip")) {
            CHECK(from.lists_huge(run({.argv = {"unzip", "-l", from.at / "x.zip"}}).out));
            CHECK(run({.argv = {"unzip", "-p", from.at / "x.zip", "src/then"}}).out == "what comes after it");
        }

        unique_fd const piped{::open((from.at / "piped.zip").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)};
        auto with = from.here;
        with.output_fd = piped.get();  // not ours to patch: written like a pipe
        REQUIRE(submitit({"export", "src", "-o", "-", "-f", "zip", "-l", "1"}, with).status == 0);
        if (have("unzip"))
            CHECK(run({.argv = {"unzip", "-p", from.at / "piped.zip", "src/then"}}).out == "what comes after it");
        if (have("bsdtar")) {
            auto const [cat, read] =
                run_piped({.argv = {"cat", from.at / "piped.zip"}}, {.argv = {"bsdtar", "-tf", "-"}});
            CHECK(read.status == 0);
            CHECK(contains(read.out, "src/then"));
        }
    }

    TEST_CASE("an entry that begins beyond 4 GiB of a zip is found there") {
        huge_source const from;
        if (!has_room(from.at.path(), huge_bytes + 2 * GiB)) return;
        REQUIRE(export_to("x.zip", {"src", "-l", "store", "--no-sync"}, from.here).status == 0);
        CHECK(submitit({"verify", "x.zip"}, from.here).status == 0);
        if (have("unzip"))
            CHECK(run({.argv = {"unzip", "-p", from.at / "x.zip", "src/then"}}).out == "what comes after it");
        if (have("python3")) CHECK(from.lists_huge(run(python({"sizes", from.at / "x.zip"})).out));
        if (have("7zz"))
            CHECK(run({.argv = {"7zz", "x", "-so", from.at / "x.zip", "src/then"}}).out == "what comes after it");
    }
}

}  // namespace submitit::testing
