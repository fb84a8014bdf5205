// SPDX-License-Identifier: Apache-2.0
// Signals, kills, full disks: what is left behind.
#include <doctest/doctest.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <fstream>
#include <random>

#include "base/sizes.hpp"
#include "cli/sandbox.hpp"
#include "support/archive_entries.hpp"
#include "support/program.hpp"
#include "support/temp_tree.hpp"

namespace submitit::testing {
namespace {

using names = std::vector<std::string>;

/// A source that takes long: read at memory speed, hours of it.
struct endless {
    temp_tree at;
    command here;
    endless() {
        at.sparse("src/huge", std::uint64_t{8} << 40U);
        here.directory = at.path();
    }
};

/// A counter of proc(5), /proc/PID/io: "wchar:" and "rchar:" are the bytes written and read so far, files and pipes.
std::uint64_t io_counter(pid_t pid, std::string_view name) {
    std::ifstream io{"/proc/" + std::to_string(pid) + "/io"};
    std::string key;
    std::uint64_t value = 0;
    while (io >> key >> value)
        if (key == name) return value;
    return 0;
}

bool has_ended(pid_t pid) {
    siginfo_t info{};
    return ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0;
}

/// Whether the program has begun to watch for the signal: it blocks it then.
bool watches(pid_t pid, int number) {
    std::ifstream status{"/proc/" + std::to_string(pid) + "/status"};
    for (std::string key; status >> key;) {
        if (key != "SigBlk:") continue;
        std::uint64_t blocked = 0;
        status >> std::hex >> blocked;
        return (blocked >> static_cast<unsigned>(number - 1) & 1U) != 0;
    }
    return false;
}

/// Looks again and again until the counter has gone that far since the program watches for signals, or until its end.
/// (A sanitizer's runtime writes before.)
void await(child const& running, std::string_view counter, std::uint64_t bytes) {
    while (!watches(running.pid(), SIGTERM) && !has_ended(running.pid())) ::sched_yield();
    auto const before = io_counter(running.pid(), counter);
    while (io_counter(running.pid(), counter) < before + bytes && !has_ended(running.pid())) ::sched_yield();
}

}  // namespace

TEST_SUITE("cli/interruption") {
    TEST_CASE("a signal while a pipe that nobody reads is full: 128 + n, at once") {
        endless const from;
        for (int const number : {SIGINT, SIGTERM, SIGHUP}) {
            for (std::string const format : {"zip", "tar", "tar.gz", "tar.zst"}) {
                CAPTURE(number);
                CAPTURE(format);
                child running{program({"export", "src", "-o", "-", "-f", format, "--no-sync"}, from.here)};
                CHECK(running.read_output(100).size() >= 100);
                running.signal(number);
                auto const done = running.wait();
                CHECK_FALSE(done.timed_out);
                CHECK(done.signal == 0);
                CHECK(done.status == 128 + number);
                CHECK(lines_of(done.err).size() == 1);
                CHECK(from.at.names_in() == names{"src"});
            }
        }
    }

    TEST_CASE("a signal while a file is written: 128 + n, nothing left in the directory, an old archive untouched") {
        endless const from;
        for (int const number : {SIGINT, SIGTERM}) {
            for (std::string const suffix : all_suffixes) {
                CAPTURE(number);
                CAPTURE(suffix);
                bool const replacing = number == SIGTERM;
                if (replacing) from.at.put("x" + suffix, "old");
                auto arguments = names{"export", "src", "-o", "x" + suffix, "--no-sync"};
                if (suffix != ".tar") arguments.insert(arguments.end(), {"-l", "1"});
                child running{program(arguments, from.here)};
                await(running, "wchar:", 20'000);
                running.signal(number);
                auto const done = running.finish();
                CHECK_FALSE(done.timed_out);
                CHECK(done.status == 128 + number);
                CHECK(from.at.names_in() == (replacing ? names{"src", "x" + suffix} : names{"src"}));
                if (replacing) CHECK(from.at.read("x" + suffix) == "old");
                ::unlink((from.at / ("x" + suffix)).c_str());
            }
        }
    }

    TEST_CASE("a signal during verify ends it with 128 + n") {
        endless const from;
        child exporting{program({"export", "src", "-o", "-", "-f", "tar"}, from.here)};
        from.at.put("x.tar", exporting.read_output(65536));
        // The rest of that file's content: zeros, which cost no room.
        REQUIRE(::truncate((from.at / "x.tar").c_str(), off_t{1} << 43U) == 0);
        child running{program({"verify", "x.tar"}, from.here)};
        await(running, "rchar:", 10'000'000);
        running.signal(SIGTERM);
        CHECK(running.finish().status == 128 + SIGTERM);
    }

    TEST_CASE("nohup: a signal that was ignored at the start stays ignored") {
        temp_tree const at;
        at.put("src/a", noise(4'000'000, 1));
        command here{.directory = at.path()};
        here.in_child = [] { std::signal(SIGHUP, SIG_IGN); };
        child running{program({"export", "src", "-o", "-", "-f", "tar"}, here)};
        CHECK(running.read_output(100).size() >= 100);
        running.signal(SIGHUP);
        CHECK(running.finish().status == 0);
    }

    TEST_CASE("kill -9 at any moment leaves the target absent, or the old or the new one whole") {
        std::uint64_t const seed = std::random_device{}();
        CAPTURE(seed);
        std::mt19937_64 random{seed};
        temp_tree const at;
        at.put("src/a", noise(3'000'000, 1));
        for (int i = 0; i < 50; ++i) at.put("src/s" + std::to_string(i), prose(4000));
        command const here{.directory = at.path()};
        REQUIRE(export_to("whole.zip", {"src"}, here).status == 0);
        auto const whole = at.read("whole.zip");
        int absent = 0;
        int old = 0;
        int complete = 0;
        for (int round = 0; round < 60; ++round) {
            bool const replacing = round % 2 == 1;
            if (replacing) at.put("x.zip", "old");
            child running{program({"export", "src", "-o", "x.zip"}, here)};
            bool const late = random() % 2 == 0;  // between the last byte and the end: syncing and naming
            await(running, "wchar:", late ? whole.size() : random() % whole.size());
            for (auto turns = late ? random() % 4000 : 0; turns > 0; --turns) ::sched_yield();
            running.signal(SIGKILL);
            static_cast<void>(running.finish());
            for (auto const& name : at.names_in()) {
                // Between the two names of a replacement: one complete temporary (CLI.md).
                if (name.starts_with(".x.zip.submitit-")) {
                    CHECK(replacing);
                    CHECK(at.read(name) == whole);
                } else {
                    CHECK((name == "src" || name == "whole.zip" || name == "x.zip"));
                }
            }
            if (!at.exists("x.zip")) {
                CHECK_FALSE(replacing);
                ++absent;
            } else if (at.read("x.zip") == "old") {
                CHECK(replacing);
                ++old;
            } else {
                CHECK(at.read("x.zip") == whole);
                ++complete;
            }
            ::unlink((at / "x.zip").c_str());
        }
        MESSAGE("after 60 kills (seed ", seed, "): ", absent, " absent, ", old, " old, ", complete, " complete");
        CHECK(export_to("x.zip", {"src"}, here).status == 0);
        CHECK(at.names_in() == names{"src", "whole.zip", "x.zip"});
    }

    TEST_CASE("a file system that fills up: exit 4, the old archive untouched, nothing left") {
        temp_tree const at;
        at.put("src/much", noise(20'000'000, 1));
        at.directory("small");
        small_file_system const small{at / "small", 8U << 20U};
        if (!small.mounted()) return;
        command const here{.directory = at.path()};
        for (std::string const suffix : all_suffixes) {
            CAPTURE(suffix);
            at.put("small/x" + suffix, "old");
            auto const done = export_to("small/x" + suffix, {"src"}, here);
            CHECK(done.status == 4);
            CHECK(lines_of(done.err).size() == 1);
            CHECK(contains(done.err, "no space"));
            CHECK(at.names_in("small") == names{"x" + suffix});
            CHECK(at.read("small/x" + suffix) == "old");
            CHECK(export_to("small/new" + suffix, {"src", "--json"}, here).status == 4);
            CHECK(at.names_in("small") == names{"x" + suffix});
            ::unlink((at / ("small/x" + suffix)).c_str());
        }
    }

    TEST_CASE("$TMPDIR full: the directory of a zip that outgrew its window cannot spill, exit 4, nothing left") {
        temp_tree const at;
        at.directory("tiny");
        small_file_system const tiny{at / "tiny", 64U << 10U};
        if (!tiny.mounted()) return;
        auto const long_part = std::string(200, 'n');
        for (int i = 0; i < 9000; ++i) at.put("src/" + long_part + std::to_string(i));
        command here{.directory = at.path()};
        here.environment = {{"TMPDIR", at / "tiny"}};
        auto const done = export_to("x.zip", {"src"}, here);
        CHECK(done.status == 4);
        CHECK(lines_of(done.err).size() == 1);
        CHECK(at.names_in() == names{"src", "tiny"});
    }

    TEST_CASE("24 descriptors are enough for 2,000 files in nested directories") {
        temp_tree const at;
        std::string directory = "src";
        for (int depth = 0; depth < 40; ++depth) {
            for (int i = 0; i < 50; ++i)
                at.put(directory + "/f" + std::to_string(i), prose(static_cast<std::size_t>(40 * i + depth)));
            directory += "/d" + std::to_string(depth);
        }
        at.put("src/large", noise(3'000'000, 1));
        command here{.directory = at.path()};
        REQUIRE(export_to("wide.tar.gz", {"src"}, here).status == 0);
        here.limits = {{RLIMIT_NOFILE, 24}};
        for (std::string const backend : {"auto", "threads"}) {
            for (auto const* const jobs : {"2", "8"}) {
                CAPTURE(backend);
                CAPTURE(jobs);
                auto const done = export_to("x.tar.gz", {"src", "--json", "--io", backend, "-j", jobs}, here);
                CHECK(done.err == "");
                CHECK(done.status == 0);
                CHECK(number(json_of(done.out), {"files"}) == 2001);
                CHECK(at.read("x.tar.gz") == at.read("wide.tar.gz"));
            }
        }
    }
}

}  // namespace submitit::testing
