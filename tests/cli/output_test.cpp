// SPDX-License-Identifier: Apache-2.0
// Where the archive goes, and under which name.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <ctime>
#include <regex>

#include "cli/sandbox.hpp"
#include "support/archive_entries.hpp"
#include "support/program.hpp"
#include "support/temp_tree.hpp"

namespace submitit::testing {
namespace {

using names = std::vector<std::string>;

struct small_source {
    temp_tree at;
    command here;

    small_source() {
        at.put("src/a", prose(5000));
        at.put("src/b", "b");
        here.directory = at.path();
    }

    [[nodiscard]] outcome run_export(names arguments) const {
        arguments.insert(arguments.begin(), {"export", "src"});
        return submitit(std::move(arguments), here);
    }
    [[nodiscard]] int status_of(names arguments) const { return run_export(std::move(arguments)).status; }
    [[nodiscard]] mode_t mode_of(std::string const& name) const {
        struct ::stat st{};
        REQUIRE(::stat((at / name).c_str(), &st) == 0);
        return st.st_mode & 07777U;
    }
    [[nodiscard]] std::string verified_format(std::string const& name) const {
        auto const done = submitit({"verify", "--json", name}, here);
        CHECK(done.status == 0);
        return text(json_of(done.out), {"format"});
    }
};

/// "src_2024-05-06" with what follows; the date is one of those around the run.
bool is_dated(std::string const& name, std::string const& rest) {
    std::smatch parts;
    static std::regex const pattern{R"(src_(\d{4}-\d\d-\d\d)(.*))"};
    if (!std::regex_match(name, parts, pattern) || parts[2] != rest) return false;
    for (std::time_t const when : {std::time(nullptr), std::time(nullptr) - 120}) {
        char today[16];
        std::strftime(today, sizeof today, "%Y-%m-%d", std::localtime(&when));
        if (parts[1] == today) return true;
    }
    return false;
}

struct terminal {
    unique_fd master{::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)};
    unique_fd slave;
    terminal() {
        REQUIRE(master);
        REQUIRE(::grantpt(master.get()) == 0);
        REQUIRE(::unlockpt(master.get()) == 0);
        slave.reset(::open(::ptsname(master.get()), O_RDWR | O_NOCTTY | O_CLOEXEC));
        REQUIRE(slave);
    }
};

}  // namespace

TEST_SUITE("cli/output") {
    TEST_CASE("the suffix names the format, in any case of letters") {
        small_source const from;
        struct {
            char const* name;
            char const* format;
        } const known[] = {{"x.zip", "zip"},          {"x.tar", "tar"},         {"x.tar.gz", "tar.gz"},
                           {"x.tgz", "tar.gz"},       {"x.tar.zst", "tar.zst"}, {"x.tzst", "tar.zst"},
                           {"x.tar.zstd", "tar.zst"}, {"X.ZIP", "zip"}};
        for (auto const& one : known) {
            CAPTURE(one.name);
            CHECK(from.status_of({"-o", one.name}) == 0);
            CHECK(from.verified_format(one.name) == one.format);
        }
    }

    TEST_CASE("an unknown suffix without -f is refused, nothing is written; so is an unknown format") {
        small_source const from;
        for (std::string const name : {"x", "x.gz", "x.tar.bz2", "x.zst", ".zip", "tar"}) {
            CAPTURE(name);
            auto const done = from.run_export({"-o", name});
            CHECK(done.status == 2);
            CHECK(contains(done.err, name));
            CHECK_FALSE(from.at.exists(name));
        }
        CHECK(from.status_of({"-o", "x.zip", "-f", "arj"}) == 2);
        CHECK_FALSE(from.at.exists("x.zip"));
    }

    TEST_CASE("-f beats the suffix") {
        small_source const from;
        CHECK(from.status_of({"-o", "x.zip", "-f", "tar.zst"}) == 0);
        CHECK(from.verified_format("x.zip") == "tar.zst");
        CHECK(from.status_of({"-o", "plain", "-f", "tar"}) == 0);
        CHECK(from.verified_format("plain") == "tar");
    }

    TEST_CASE("without -o: a dated name in ./exports, which is made; a taken name is numbered; --force replaces it") {
        small_source const from;
        auto const first = from.run_export({});
        REQUIRE(first.status == 0);
        REQUIRE(from.at.names_in("exports").size() == 1);
        auto const name = from.at.names_in("exports").front();
        CHECK(is_dated(name, ".zip"));
        CHECK(contains(first.out, name));
        auto const second = from.run_export({"--json"});
        CHECK(contains(text(json_of(second.out), {"output"}), "-2.zip"));
        CHECK(from.status_of({}) == 0);
        auto const three = from.at.names_in("exports");
        REQUIRE(three.size() == 3);
        CHECK(is_dated(three[0], "-2.zip"));
        CHECK(is_dated(three[1], "-3.zip"));

        auto const before = from.at.read("exports/" + name);
        from.at.put("src/more", "more");
        CHECK(from.status_of({"--force"}) == 0);
        CHECK(from.at.names_in("exports").size() == 3);
        CHECK(from.at.read("exports/" + name) != before);
        CHECK(from.status_of({"-f", "tgz"}) == 0);
        CHECK(is_dated(from.at.names_in("exports").back(), ".zip"));
        CHECK(from.at.names_in("exports").size() == 4);
    }

    TEST_CASE("-o DIR/: a dated name in DIR, which must exist") {
        small_source const from;
        from.at.directory("there");
        CHECK(from.status_of({"-o", "there/", "-f", "tar"}) == 0);
        REQUIRE(from.at.names_in("there").size() == 1);
        CHECK(is_dated(from.at.names_in("there").front(), ".tar"));
        CHECK(from.status_of({"-o", "there//", "-f", "tar"}) == 0);
        CHECK(from.at.names_in("there").size() == 2);
        CHECK(from.status_of({"-o", "missing/"}) == 4);
        CHECK_FALSE(from.at.exists("missing"));
    }

    TEST_CASE("an existing directory without a trailing slash is no output") {
        small_source const from;
        from.at.directory("there.zip");
        auto const done = from.run_export({"-o", "there.zip"});
        CHECK(done.status == 2);
        CHECK(contains(done.err, "there.zip/"));
        CHECK(from.at.names_in("there.zip").empty());
    }

    TEST_CASE("parents other than ./exports are not made: exit 4") {
        small_source const from;
        CHECK(from.status_of({"-o", "no/such/x.zip"}) == 4);
        CHECK_FALSE(from.at.exists("no"));
    }

    TEST_CASE("the output, its temporary and ./exports are left out when they lie inside a SOURCE, with a note") {
        small_source const from;
        auto inside = from.here;
        inside.directory = from.at / "src";
        REQUIRE(submitit({"export", "."}, inside).status == 0);
        auto const again = submitit({"export", ".", "--json"}, inside);
        CHECK(again.status == 0);
        CHECK(number(json_of(again.out), {"notices", "own_output"}) == 1);
        CHECK(number(json_of(again.out), {"warnings"}) == 0);
        auto const second = text(json_of(again.out), {"output"});
        CHECK(names_of(from.at / ("src/" + second)) == names{"src/", "src/a", "src/b"});

        REQUIRE(submitit({"export", ".", "-o", "own.tar"}, inside).status == 0);
        auto const replaced = submitit({"export", ".", "-o", "own.tar"}, inside);
        CHECK(replaced.status == 0);
        CHECK(names_of(from.at / "src/own.tar") == names{"src/", "src/a", "src/b"});
    }

    TEST_CASE("an existing file is replaced, never updated, and keeps its mode; a new one has 0666 less the umask") {
        small_source const from;
        from.at.put("x.zip", noise(100'000, 1));
        from.at.mode("x.zip", 0640);
        CHECK(from.status_of({"-o", "x.zip"}) == 0);
        CHECK(from.mode_of("x.zip") == 0640);
        CHECK(names_of(from.at / "x.zip") == names{"src/", "src/a", "src/b"});

        auto with = from.here;
        with.in_child = [] { ::umask(027); };
        CHECK(export_to("new.zip", {"src"}, with).status == 0);
        CHECK(from.mode_of("new.zip") == 0640);
        with.in_child = [] { ::umask(0); };
        CHECK(export_to("open.zip", {"src"}, with).status == 0);
        CHECK(from.mode_of("open.zip") == 0666);
    }

    TEST_CASE("--no-clobber refuses an existing file with exit 4 and leaves it alone") {
        small_source const from;
        from.at.put("x.zip", "old");
        auto const done = from.run_export({"-o", "x.zip", "--no-clobber"});
        CHECK(done.status == 4);
        CHECK(contains(done.err, "x.zip"));
        CHECK(from.at.read("x.zip") == "old");
        CHECK(from.status_of({"-o", "y.zip", "--no-clobber"}) == 0);
        CHECK(from.status_of({"-o", "y.zip", "--no-clobber", "--force"}) == 2);
    }

    TEST_CASE("a symlink as output is resolved: the file it names is written, the link stays") {
        small_source const from;
        from.at.directory("elsewhere");
        from.at.put("elsewhere/real.zip", "old");
        from.at.symlink("link.zip", "elsewhere/real.zip");
        CHECK(from.status_of({"-o", "link.zip"}) == 0);
        CHECK(names_of(from.at / "elsewhere/real.zip").size() == 3);
        struct ::stat st{};
        REQUIRE(::lstat((from.at / "link.zip").c_str(), &st) == 0);
        CHECK(S_ISLNK(st.st_mode));
        from.at.symlink("dangling.zip", "elsewhere/new.zip");
        CHECK(from.status_of({"-o", "dangling.zip"}) == 0);
        CHECK(names_of(from.at / "elsewhere/new.zip").size() == 3);
        from.at.symlink("loop.zip", "loop.zip");
        CHECK(from.status_of({"-o", "loop.zip"}) == 4);
    }

    TEST_CASE("-o -: the archive alone on standard output, the summary on standard error") {
        small_source const from;
        for (std::string const format : {"zip", "tar", "tar.gz", "tar.zst"}) {
            CAPTURE(format);
            auto const done = from.run_export({"-o", "-", "-f", format});
            CHECK(done.status == 0);
            CHECK(contains(done.err, "2 files"));
            from.at.put("piped", done.out);
            CHECK(names_of(from.at / "piped") == names{"src/", "src/a", "src/b"});
            CHECK(from.verified_format("piped") == format);
        }
    }

    TEST_CASE("-o - without -f is refused, and so is a terminal") {
        small_source const from;
        CHECK(from.status_of({"-o", "-"}) == 2);
        terminal const tty;
        auto with = from.here;
        with.output_fd = tty.slave.get();
        auto const done = submitit({"export", "src", "-o", "-", "-f", "zip"}, with);
        CHECK(done.status == 2);
        CHECK(contains(done.err, "terminal"));
        ::fcntl(tty.master.get(), F_SETFL, O_NONBLOCK);
        char byte = 0;
        CHECK(::read(tty.master.get(), &byte, 1) < 0);
    }

    TEST_CASE("standard output redirected to a file is written from where it stands") {
        small_source const from;
        from.at.put("joined", "before|");
        unique_fd const file{::open((from.at / "joined").c_str(), O_WRONLY | O_APPEND | O_CLOEXEC)};
        auto with = from.here;
        with.output_fd = file.get();
        REQUIRE(submitit({"export", "src", "-o", "-", "-f", "tar"}, with).status == 0);
        auto const all = from.at.read("joined");
        CHECK(all.starts_with("before|"));
        from.at.put("tail.tar", all.substr(7));
        CHECK(names_of(from.at / "tail.tar").size() == 3);
    }

    TEST_CASE("a FIFO as output is written like a pipe") {
        small_source const from;
        from.at.fifo("x.tar");
        unique_fd const reader{::open((from.at / "x.tar").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)};
        REQUIRE(::fcntl(reader.get(), F_SETFL, 0) == 0);
        child writing{program({"export", "src", "-o", "x.tar"}, from.here)};
        CHECK(writing.wait().status == 0);  // the pipe holds all of this small archive
        std::string all(1U << 16U, '\0');
        std::size_t got = 0;
        for (ssize_t n = 1; n > 0; got += static_cast<std::size_t>(n)) {
            n = ::read(reader.get(), all.data() + got, all.size() - got);
            REQUIRE(n >= 0);
        }
        from.at.put("copy.tar", all.substr(0, got));
        CHECK(names_of(from.at / "copy.tar").size() == 3);
    }

    TEST_CASE("a full device: exit 4 with one line, as file and as standard output") {
        small_source const from;
        from.at.put("src/much", noise(3'000'000, 2));
        for (std::string const format : {"zip", "tar", "tar.gz", "tar.zst"}) {
            CAPTURE(format);
            auto const named = from.run_export({"-o", "/dev/full", "-f", format});
            CHECK(named.status == 4);
            CHECK(lines_of(named.err).size() == 1);
            CHECK(contains(named.err, "no space"));
            unique_fd const full{::open("/dev/full", O_WRONLY | O_CLOEXEC)};
            auto with = from.here;
            with.output_fd = full.get();
            CHECK(submitit({"export", "src", "-o", "-", "-f", format}, with).status == 4);
        }
    }

    TEST_CASE("a reader that goes away: exit 4, not death by SIGPIPE") {
        small_source const from;
        from.at.put("src/much", noise(9'000'000, 3));
        for (std::string const format : {"zip", "tar", "tar.gz", "tar.zst"}) {
            CAPTURE(format);
            child writing{program({"export", "src", "-o", "-", "-f", format}, from.here)};
            CHECK(writing.read_output(1000).size() >= 1000);
            writing.stop_reading();
            auto const done = writing.wait();
            CHECK(done.status == 4);
            CHECK(done.signal == 0);
            CHECK(lines_of(done.err).size() == 1);
        }
    }

    TEST_CASE("a file-size limit: exit 4, nothing published") {
        small_source const from;
        from.at.put("src/much", noise(3'000'000, 2));
        auto with = from.here;
        with.limits = {{RLIMIT_FSIZE, 1'000'000}};
        with.in_child = [] { std::signal(SIGXFSZ, SIG_IGN); };
        auto const done = export_to("x.zip", {"src"}, with);
        CHECK(done.status == 4);
        CHECK_FALSE(from.at.exists("x.zip"));
        CHECK(from.at.names_in() == names{"src"});
    }

    TEST_CASE("a directory that may not be written: exit 4") {
        small_source const from;
        auto const done = from.run_export({"-o", "/proc/x.zip"});
        CHECK(done.status == 4);
        CHECK(contains(done.err, "/proc/x.zip"));
    }

    TEST_CASE("a directory that cannot be synced: exit 4, saying that the archive stands there all the same") {
        small_source const from;
        from.at.put("out/x.zip", "old");
        auto with = from.here;
        with.environment = fault_shim_for(from.at / "out");
        with.environment.insert(with.environment.end(), {{"FAULT_AT", "sync"}, {"FAULT_DO", "eio"}});
        auto const done = export_to("out/x.zip", {"src", "--json"}, with);
        CHECK(done.status == 4);
        CHECK(lines_of(done.err).size() == 1);
        CHECK(contains(done.err, "out/x.zip: the complete archive stands there"));
        CHECK(contains(done.err, "power loss"));
        CHECK_FALSE(contains(done.err, "Nothing was published"));
        CHECK(json_of(done.out).at("published").as_bool());
        CHECK(number(json_of(done.out), {"exit_code"}) == 4);
        CHECK(names_of(from.at / "out/x.zip") == names{"src/", "src/a", "src/b"});
        CHECK(from.at.names_in("out") == names{"x.zip"});
        CHECK(export_to("out/x.zip", {"src", "--no-sync"}, with).status == 0);
    }

    TEST_CASE("a temporary name that a killed export left is removed by the next one to that name, others are not") {
        small_source const from;
        from.at.put(".x.zip.submitit-abc123", "left behind");
        from.at.put(".y.zip.submitit-abc123", "another's");
        from.at.put(".x.zip.submitit-held00", "in use");
        unique_fd const held{::open((from.at / ".x.zip.submitit-held00").c_str(), O_RDONLY | O_CLOEXEC)};
        REQUIRE(::flock(held.get(), LOCK_EX | LOCK_NB) == 0);
        CHECK(from.status_of({"-o", "x.zip"}) == 0);
        CHECK(from.at.names_in() == names{".x.zip.submitit-held00", ".y.zip.submitit-abc123", "src", "x.zip"});
    }

    TEST_CASE("--no-sync makes the same archive") {
        small_source const from;
        CHECK(from.status_of({"-o", "a.zip"}) == 0);
        CHECK(from.status_of({"-o", "b.zip", "--no-sync"}) == 0);
        CHECK(from.at.read("a.zip") == from.at.read("b.zip"));
    }

    TEST_CASE("a zip on a pipe has descriptors for deflated entries only, and stores nothing larger than a ticket") {
        small_source const from;
        from.at.put("src/large-noise.jpg", noise(3'000'000, 4));
        from.at.put("src/small-noise.jpg", noise(3'000, 4));
        auto const piped = from.run_export({"-o", "-", "-f", "zip"});
        REQUIRE(piped.status == 0);
        std::size_t large_seen = 0;
        for (std::size_t at = piped.out.find("PK\3\4"); at != std::string::npos;
             at = piped.out.find("PK\3\4", at + 1)) {
            auto const field = [&](std::size_t offset) {
                return static_cast<unsigned char>(piped.out[at + offset]) |
                       static_cast<unsigned>(static_cast<unsigned char>(piped.out[at + offset + 1])) << 8U;
            };
            bool const descriptor = (field(6) & 8U) != 0;
            if (descriptor) CHECK(field(8) == 8);
            if (piped.out.compare(at + 30, 15, "src/large-noise") == 0) {
                ++large_seen;
                CHECK(descriptor);
            }
        }
        CHECK(large_seen == 1);
        from.at.put("piped.zip", piped.out);
        CHECK(entry_of(from.at / "piped.zip", "src/large-noise.jpg").content == noise(3'000'000, 4));
    }
}

}  // namespace submitit::testing
