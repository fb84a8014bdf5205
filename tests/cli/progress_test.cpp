// SPDX-License-Identifier: Apache-2.0
// What limits an export, as the summary and the progress lines say it; and the bar on a terminal.
#include <doctest/doctest.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <thread>

#include "support/program.hpp"
#include "support/temp_tree.hpp"
#include "support/terminal.hpp"

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

/// Some seconds of work for one processor at the highest level, a blink at the lowest.
struct heavy {
    temp_tree at;
    command here;
    heavy() {
        for (int i = 0; i < 20; ++i) at.put("src/f" + std::to_string(i), prose(1'000'000));
        here.directory = at.path();
    }
};

constexpr std::string_view erase = "\r\x1b[J";

/// The lines of one drawing, without what moves the cursor.
names lines_drawn(std::string drawing) {
    names lines{""};
    for (std::size_t i = 0; i < drawing.size(); ++i) {
        if (drawing.compare(i, 3, "\x1b[A") == 0) i += 2;
        else if (drawing[i] == '\n') lines.emplace_back();
        else if (drawing[i] != '\r') lines.back() += drawing[i];
    }
    return lines;
}

}  // namespace

TEST_SUITE("cli/progress") {
    TEST_CASE("-v ends with what limited the run, and --json has it: one job at the highest level, the CPU") {
        heavy const from;
        names const arguments{"export", "src", "-o", "x.tar.gz", "--no-sync", "-l", "9", "-j", "1"};
        auto told = arguments;
        told.push_back("-v");
        auto const lines = lines_of(submitit(told, from.here).out);
        REQUIRE(lines.size() > 3);
        CHECK(lines.back().starts_with("  bound by the CPU: the worker was busy "));
        told.back() = "--json";
        auto const report = json_of(submitit(told, from.here).out);
        CHECK(text(report, {"bound_by", "by"}) == "cpu");
        CHECK("  " + text(report, {"bound_by", "sentence"}).substr(0, 17) == lines.back().substr(0, 19));
        CHECK(text(report, {"bound_by", "flag"}) ==
              (std::thread::hardware_concurrency() > 1 ? "--jobs " + std::to_string(std::thread::hardware_concurrency())
                                                       : "--level 1"));
        CHECK_FALSE(contains(submitit(arguments, from.here).out, "bound by"));
    }

    TEST_CASE("24 MiB have room for one worker of tar.zst where two were wanted: the memory, and more of it") {
        if (std::thread::hardware_concurrency() < 2) return;
        heavy const from;
        auto const done =
            submitit({"export", "src", "-o", "x.tar.zst", "--no-sync", "-l", "7", "-j", "2", "-m", "24MiB", "--json"},
                     from.here);
        REQUIRE(done.status == 0);
        auto const report = json_of(done.out);
        REQUIRE(number(report, {"workers"}) == 1);
        CHECK(text(report, {"bound_by", "by"}) == "memory");
        CHECK(text(report, {"bound_by", "flag"}) == "--memory 64MiB");
    }

    TEST_CASE("a reader that takes nothing more: the sink, while it runs") {
        endless const from;
        child running{program({"export", "src", "-o", "-", "-f", "tar", "--progress", "json"}, from.here)};
        CHECK(running.read_output(100).size() >= 100);
        CHECK(running.error_says(R"("bound_by":"sink")"));
        running.signal(SIGTERM);
        CHECK(running.wait().status == 128 + SIGTERM);
    }

    TEST_CASE("--progress bar that cannot redraw says plain lines") {
        heavy const from;
        auto const done = submitit({"export", "src", "-o", "x.tar", "-q", "--progress", "bar"}, from.here);
        CHECK(done.status == 0);
        REQUIRE_FALSE(lines_of(done.err).empty());
        CHECK(lines_of(done.err).back().ends_with(" 100 %"));
        CHECK_FALSE(contains(done.err, "\x1b"));
    }

    TEST_CASE(
        "the bar: rate, what is left and what limits, in no more than the terminal's width, also once that changes") {
        endless const from;
        terminal screen{120};
        child running{program({"export", "src", "-o", "-", "-f", "tar", "--progress", "bar"},
                              screen.as(STDERR_FILENO, from.here))};
        CHECK(running.read_output(100).size() >= 100);
        auto const wide = lines_drawn(screen.drawings(erase, 8).back());
        REQUIRE(wide.size() == 2);
        CHECK(wide[0].starts_with("[                        ]   0%  "));
        CHECK(contains(wide[0], "/s"));
        CHECK(contains(wide[0], "limit: sink"));
        CHECK(wide[1].starts_with("bound by the sink: "));
        for (unsigned short const columns : std::array<unsigned short, 5>{40, 20, 100, 99, 1}) {
            CAPTURE(columns);
            screen.resize(columns);
            auto const drawn = lines_drawn(screen.drawings(erase, 3).back());
            CHECK(drawn.size() == (columns >= 100 ? 2 : 1));
            for (auto const& line : drawn) CHECK(line.size() < columns);
        }
        running.signal(SIGTERM);
        CHECK(running.wait().status == 128 + SIGTERM);
    }
}

}  // namespace submitit::testing
