// SPDX-License-Identifier: Apache-2.0
// Owners, modes, times, attributes, special files: what each format keeps.
#include <doctest/doctest.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <limits>

#include "format/readers.hpp"
#include "support/archive_entries.hpp"
#include "support/program.hpp"
#include "support/temp_tree.hpp"

namespace submitit::testing {
namespace {

using names = std::vector<std::string>;
char const* const tar_suffixes[] = {".tar", ".tar.gz", ".tar.zst"};

struct keeping {
    temp_tree at;
    command here;
    keeping() { here.directory = at.path(); }

    void to(std::string const& output, names arguments = {}, int status = 0) const {
        arguments.insert(arguments.begin(), "src");
        auto const done = export_to(output, std::move(arguments), here);
        INFO("standard error: ", done.err);
        REQUIRE(done.status == status);
    }
    [[nodiscard]] archive_entry_seen seen(std::string const& archive, std::string const& name) const {
        return entry_of(at / archive, name);
    }
};

}  // namespace

TEST_SUITE("format/attributes") {
    TEST_CASE("tar keeps all of mode 07777; zip masks set-id bits") {
        keeping const by;
        for (unsigned const mode : {0U, 0400U, 0644U, 0755U, 01755U, 02755U, 04755U, 06711U, 07777U}) {
            by.at.put("src/f" + std::to_string(mode), "x");
            by.at.mode("src/f" + std::to_string(mode), mode);
        }
        by.at.directory("src/shared");
        by.at.mode("src/shared", 03777);
        if (::geteuid() != 0) by.at.mode("src/f0", 0400);
        for (std::string const suffix : all_suffixes) {
            by.to("x" + suffix);
            for (auto const& entry : entries_of(by.at / ("x" + suffix))) {
                CAPTURE(suffix);
                CAPTURE(entry.name);
                struct ::stat st{};
                REQUIRE(::stat((by.at / entry.name).c_str(), &st) == 0);
                CHECK(entry.mode == (st.st_mode & (suffix == ".zip" ? 01777U : 07777U)));
            }
        }
        if (::geteuid() == 0) {
            for (std::string const suffix : tar_suffixes)
                check_extracted(by.at / ("x" + suffix), "src", snapshot(by.at / "src"), {}, {"7zz", "python3"});
        }
    }

    TEST_CASE("tar keeps times to the nanosecond, before 1970 and after 2242, in every reader") {
        keeping const by;
        struct {
            char const* name;
            std::int64_t seconds;
            std::int64_t nanoseconds;
        } const times[] = {{"whole", 1'600'000'000, 0},
                           {"fraction", 1'600'000'000, 123'456'789},
                           {"tenth", 1'600'000'000, 100'000'000},
                           {"tiny", 1'600'000'000, 1},
                           {"epoch", 0, 0},
                           {"after-epoch", 0, 1},
                           {"before", -1, 0},
                           {"1930", -1'262'304'000, 0},
                           {"2106", 4'294'967'296, 0},
                           {"2200", 7'258'118'400, 999'999'999}};
        for (auto const& one : times) {
            by.at.put(std::string{"src/"} + one.name, "x");
            by.at.modified(std::string{"src/"} + one.name, one.seconds, one.nanoseconds);
        }
        for (std::string const suffix : tar_suffixes) {
            by.to("x" + suffix);
            for (auto const& one : times) {
                CAPTURE(one.seconds);
                auto const seen = by.seen("x" + suffix, std::string{"src/"} + one.name);
                CHECK(seen.mtime == one.seconds);
                CHECK(seen.mtime_ns == one.nanoseconds);
            }
            check_readers(by.at / ("x" + suffix));
            check_extracted(by.at / ("x" + suffix), "src", snapshot(by.at / "src"), {}, {"7zz", "python3"});
        }
    }

    TEST_CASE("fractions of a second before 1970 are decimal numbers, as POSIX has it: -1.5, not -2 and a half") {
        keeping const by;
        by.at.put("src/half", "x");
        by.at.modified("src/half", -2, 500'000'000);
        by.at.put("src/1930", "x");
        by.at.modified("src/1930", -1'262'304'000, 250'000'000);
        by.to("x.tar");
        CHECK(contains(by.at.read("x.tar"), " mtime=-1.5\n"));
        CHECK(contains(by.at.read("x.tar"), " mtime=-1262303999.75\n"));
        // libarchive 3.6 does not apply the sign to the fraction; GNU tar is right.
        check_extracted(by.at / "x.tar", "src", snapshot(by.at / "src"), {}, {"7zz", "python3", "bsdtar"});
    }

    TEST_CASE("zip keeps times to the second, where 32 bits hold them") {
        keeping const by;
        for (std::int64_t const seconds : {0, 1, 1'600'000'001, 2'147'483'647}) {
            by.at.put("src/t" + std::to_string(seconds), "x");
            by.at.modified("src/t" + std::to_string(seconds), seconds, 999'999'999);
        }
        by.to("x.zip");
        for (auto const& entry : entries_of(by.at / "x.zip"))
            if (entry.name != "src/") CHECK(std::to_string(entry.mtime) == entry.name.substr(5));
        check_extracted(by.at / "x.zip", "src", snapshot(by.at / "src"));
    }

    TEST_CASE("a time before 1970 or after 2038, of which readers of zip think differently, stops none of them") {
        keeping const by;
        for (std::int64_t const seconds :
             {7'258'118'400, -3'000'000'000, 4'294'967'296, -1L, -1'262'304'000L, 2'147'483'648}) {
            by.at.put("src/t" + std::to_string(seconds), "x");
            by.at.modified("src/t" + std::to_string(seconds), seconds);
        }
        by.to("x.zip");
        check_readers(by.at / "x.zip");
        compare_rules without_times;
        without_times.times = false;
        check_extracted(by.at / "x.zip", "src", snapshot(by.at / "src"), without_times);
    }

    TEST_CASE("owners: numbers and names; --numeric-owner, --owner and --group change them") {
        keeping const by;
        by.at.put("src/mine", "m");
        by.at.put("src/theirs", "t");
        bool const root = ::geteuid() == 0;
        if (root) REQUIRE(::chown((by.at / "src/theirs").c_str(), 3'000'000, 2'097'152) == 0);  // more than ustar holds
        auto const* const user = ::getpwuid(::geteuid());
        auto const* const group = ::getgrgid(::getegid());
        for (std::string const suffix : tar_suffixes) {
            by.to("x" + suffix);
            auto const mine = by.seen("x" + suffix, "src/mine");
            CHECK(mine.uid == ::geteuid());
            CHECK(mine.gid == ::getegid());
            CHECK(mine.owner == (user != nullptr ? user->pw_name : ""));
            CHECK(mine.group == (group != nullptr ? group->gr_name : ""));
            if (root) {
                CHECK(by.seen("x" + suffix, "src/theirs").uid == 3'000'000);
                CHECK(by.seen("x" + suffix, "src/theirs").gid == 2'097'152);
                CHECK(by.seen("x" + suffix, "src/theirs").owner == "");
            }
            by.to("x" + suffix, {"--numeric-owner"});
            CHECK(by.seen("x" + suffix, "src/mine").owner == "");
            CHECK(by.seen("x" + suffix, "src/mine").uid == ::geteuid());
            by.to("x" + suffix, {"--owner", "someone:1234", "--group", "4321"});
            auto const changed = by.seen("x" + suffix, "src/theirs");
            CHECK(changed.owner == "someone");
            CHECK(changed.uid == 1234);
            CHECK(changed.gid == 4321);
            CHECK(changed.group == "");
            by.to("x" + suffix, {"--owner", "root"});
            CHECK(by.seen("x" + suffix, "src/mine").uid == 0);
            CHECK(by.seen("x" + suffix, "src/mine").owner == "root");
            check_readers(by.at / ("x" + suffix));
        }
    }

    TEST_CASE("extended attributes: user.* by default, all or none by choice, binary values too") {
        keeping const by;
        by.at.put("src/f", "f");
        by.at.directory("src/d");
        std::string const binary{"\0\n=\xFF", 4};
        if (!by.at.attribute("src/f", "user.text", "blue") || !by.at.attribute("src/f", "user.binary", binary) ||
            !by.at.attribute("src/f", "user.empty", "") ||
            !by.at.attribute("src/d", "user.of-directory", std::string(300, 'v')))
            return;
        bool const trusted = ::geteuid() == 0 && by.at.attribute("src/f", "trusted.secret", "t");
        for (std::string const suffix : tar_suffixes) {
            CAPTURE(suffix);
            by.to("x" + suffix);
            auto const file = by.seen("x" + suffix, "src/f").attributes;
            CHECK(file.size() == 3);
            CHECK(file.at("user.text") == "blue");
            CHECK(file.at("user.binary") == binary);
            CHECK(file.at("user.empty") == "");
            CHECK(by.seen("x" + suffix, "src/d/").attributes.at("user.of-directory") == std::string(300, 'v'));
            check_readers(by.at / ("x" + suffix));
            by.to("x" + suffix, {"--xattrs", "none"});
            CHECK(by.seen("x" + suffix, "src/f").attributes.empty());
            by.to("x" + suffix, {"--xattrs=all"});
            CHECK(by.seen("x" + suffix, "src/f").attributes.contains("trusted.secret") == trusted);
        }
        by.to("x.zip");
        check_readers(by.at / "x.zip");
    }

    TEST_CASE("tar unpacks the attributes that were stored") {
        keeping const by;
        by.at.put("src/f", "f");
        if (!by.at.attribute("src/f", "user.text", "blue") || !have("tar") || !have("getfattr")) return;
        by.to("x.tar");
        by.at.directory("out");
        REQUIRE(run({.argv = {"tar", "--xattrs", "-xf", by.at / "x.tar", "-C", by.at / "out"}}).status == 0);
        auto const shown = run({.argv = {"getfattr", "--only-values", "-n", "user.text", by.at / "out/src/f"}});
        CHECK(shown.out == "blue");
    }

    TEST_CASE("FIFOs and devices are tar's; sockets are nobody's") {
        keeping const by;
        by.at.put("src/file", "f");
        by.at.fifo("src/fifo");
        by.at.socket("src/socket");
        bool const device = ::mknod((by.at / "src/null").c_str(), S_IFCHR | 0666, ::makedev(1, 3)) == 0;
        if (!device) MESSAGE("no device can be made here: that part is skipped");
        for (std::string const suffix : tar_suffixes) {
            by.to("x" + suffix);
            CHECK(by.seen("x" + suffix, "src/fifo").kind == 'p');
            if (device) CHECK(by.seen("x" + suffix, "src/null").kind == 'c');
            CHECK(names_of(by.at / ("x" + suffix)).size() == (device ? 4 : 3));
            check_readers(by.at / ("x" + suffix));
        }
        by.to("x.zip", {}, 1);
        CHECK(names_of(by.at / "x.zip") == names{"src/", "src/file"});
        check_readers(by.at / "x.zip");
    }

    TEST_CASE("hard links are links in tar, whichever name comes first; zip stores each") {
        keeping const by;
        by.at.put("src/z-first-made", noise(10'000, 1));
        by.at.hard_link("src/a-second", "src/z-first-made");
        by.at.hard_link("src/m/third", "src/z-first-made");
        by.at.symlink("src/sym", "a-second");
        by.at.hard_link("outside", "src/z-first-made");
        for (std::string const suffix : tar_suffixes) {
            by.to("x" + suffix);
            CHECK(by.seen("x" + suffix, "src/a-second").kind == '-');
            for (auto const* const name : {"src/m/third", "src/z-first-made"}) {
                CHECK(by.seen("x" + suffix, name).kind == 'h');
                CHECK(by.seen("x" + suffix, name).target == "src/a-second");
            }
        }
        by.to("x.zip");
        for (auto const* const name : {"src/a-second", "src/m/third", "src/z-first-made"})
            CHECK(by.seen("x.zip", name).content == noise(10'000, 1));
    }

    TEST_CASE("a directory that forbids writing still unpacks whole") {
        keeping const by;
        by.at.put("src/closed/inner", "i");
        by.at.mode("src/closed", 0555);
        for (std::string const suffix : all_suffixes) {
            by.to("x" + suffix);
            check_extracted(by.at / ("x" + suffix), "src", snapshot(by.at / "src"), {}, {"7zz"});
        }
        by.at.mode("src/closed", 0755);
    }
}

}  // namespace submitit::testing
