// SPDX-License-Identifier: Apache-2.0
// What the program says: summaries, JSON, reports, warnings, progress; and --strict.
#include <doctest/doctest.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>

#include "support/archive_entries.hpp"
#include "support/program.hpp"
#include "support/temp_tree.hpp"

namespace submitit::testing {
namespace {

using names = std::vector<std::string>;

/// 3 files, 2 directories, 2 links, a FIFO and a socket.
struct reporting {
    temp_tree at;
    command here;

    reporting() {
        at.put("src/a", prose(5000));
        at.put("src/sub/b", "bb");
        at.put("src/c", "");
        at.symlink("src/link", "a");
        at.hard_link("src/twin", "src/a");
        at.fifo("src/fifo");
        at.socket("src/socket");
        here.directory = at.path();
    }

    [[nodiscard]] outcome run_export(names arguments) const {
        arguments.insert(arguments.begin(), {"export", "src"});
        return submitit(std::move(arguments), here);
    }
};

}  // namespace

TEST_SUITE("cli/report") {
    TEST_CASE("--json is one object with the figures of the run, on standard output") {
        reporting const from;
        auto const done = from.run_export({"-o", "x.tar.gz", "--json", "-l", "4", "-j", "3", "-m", "96MiB"});
        CHECK(done.status == 0);
        REQUIRE(lines_of(done.out).size() == 1);
        auto const report = json_of(done.out);
        CHECK(text(report, {"version"}) != "");
        CHECK(text(report, {"output"}) == "x.tar.gz");
        CHECK(text(report, {"format"}) == "tar.gz");
        CHECK(number(report, {"level"}) == 4);
        CHECK(number(report, {"exit_code"}) == 0);
        CHECK(report.at("published").as_bool());
        CHECK(number(report, {"files"}) == 3);
        CHECK(number(report, {"directories"}) == 2);
        CHECK(number(report, {"links"}) == 2);
        CHECK(number(report, {"others"}) == 1);
        CHECK(number(report, {"entries"}) == 8);
        CHECK(number(report, {"content_bytes"}) == 5002);
        CHECK(number(report, {"output_bytes"}) == from.at.read("x.tar.gz").size());
        CHECK(number(report, {"workers"}) == 3);
        CHECK(number(report, {"memory", "limit_bytes"}) == 96U << 20U);
        CHECK(number(report, {"memory", "peak_rss_bytes"}) > 1'000'000);
        CHECK(report.at("seconds").as_double() > 0);
        CHECK(number(report, {"warnings"}) == 0);
        CHECK(number(report, {"notices", "socket"}) == 1);
        CHECK(report.at("first_notices").as_array().size() == 1);
        CHECK(report.if_contains("error") == nullptr);
        CHECK(number(report, {"io", "cached_reads"}) + number(report, {"io", "backend_reads"}) >= 3);
    }

    TEST_CASE("--report writes the same object to a file; one that cannot be written fails the run") {
        reporting const from;
        auto const done = from.run_export({"-o", "x.zip", "--json", "--report", "report.json"});
        CHECK(done.status == 1);  // the FIFO
        CHECK(from.at.read("report.json") == done.out);
        auto const quiet = from.run_export({"-o", "x.zip", "--report", "second.json"});
        CHECK(number(json_of(from.at.read("second.json")), {"exit_code"}) == 1);
        CHECK(contains(quiet.out, "4 files"));  // zip knows no hard links
        auto const failed = from.run_export({"-o", "x.zip", "--report", "no/such/report.json"});
        CHECK(failed.status == 4);
        CHECK(contains(failed.err, "no/such/report.json"));
    }

    TEST_CASE("a failed run has its JSON, too, with the code and the cause") {
        reporting const from;
        auto const strict = from.run_export({"-o", "x.zip", "--json", "--strict", "--report", "r.json"});
        CHECK(strict.status == 3);
        CHECK(number(json_of(strict.out), {"exit_code"}) == 3);
        CHECK_FALSE(json_of(strict.out).at("published").as_bool());
        CHECK(contains(text(json_of(strict.out), {"error"}), "--strict"));
        CHECK(from.at.read("r.json") == strict.out);
        auto const budget = from.run_export({"-o", "x.zip", "--json", "-m", "1MiB"});
        CHECK(number(json_of(budget.out), {"exit_code"}) == 6);
        auto const full = from.run_export({"-o", "/dev/full", "-f", "tar", "--json"});
        CHECK(number(json_of(full.out), {"exit_code"}) == 4);
    }

    TEST_CASE("--strict: a warning fails the export, an old archive stays; a note does not") {
        reporting const from;
        from.at.put("x.zip", "old");
        auto const done = from.run_export({"-o", "x.zip", "--strict"});
        CHECK(done.status == 3);
        CHECK(from.at.read("x.zip") == "old");
        CHECK(lines_with(done.err, "warning: ") == 1);
        CHECK(lines_with(done.err, "error: ") == 1);
        CHECK(from.run_export({"-o", "x.tar", "--strict"}).status == 0);  // tar holds FIFOs; the socket is a note
        CHECK(from.at.names_in() == names{"src", "x.tar", "x.zip"});
    }

    TEST_CASE("zip leaves out FIFOs with a warning, sockets with a note: exit 1 and 0") {
        reporting const from;
        auto const zip = from.run_export({"-o", "x.zip"});
        CHECK(zip.status == 1);
        CHECK(lines_with(zip.err, "submitit-io: warning: src/fifo") == 1);
        CHECK(lines_with(zip.err, "submitit-io: note: src/socket") == 1);
        CHECK(contains(zip.out, "warnings: 1 special"));
        ::unlink((from.at / "src/fifo").c_str());
        auto const clean = from.run_export({"-o", "x.zip"});
        CHECK(clean.status == 0);
        CHECK_FALSE(contains(clean.out, "warnings"));
    }

    TEST_CASE("counters in the JSON equal the lines printed, however many there are") {
        reporting const from;
        for (int i = 0; i < 45; ++i) from.at.fifo("src/f" + std::to_string(i));
        for (int i = 0; i < 30; ++i) from.at.put("src/bad\xFF" + std::to_string(i));
        auto const done = from.run_export({"-o", "x.zip", "--json"});
        CHECK(done.status == 1);
        auto const report = json_of(done.out);
        CHECK(number(report, {"notices", "special"}) == 46);
        CHECK(number(report, {"notices", "name_warning"}) == 30);
        CHECK(number(report, {"warnings"}) == 76);
        CHECK(lines_with(done.err, "submitit-io: warning: ") == 76);
        CHECK(lines_with(done.err, "submitit-io: note: ") == 1);
        CHECK(report.at("first_notices").as_array().size() == 20);
    }

    TEST_CASE("names are shown without control characters, and in JSON byte for byte beside it") {
        reporting const from;
        from.at.fifo("src/\x1B[31mred\nline");
        from.at.fifo("src/latin\xE4");
        auto const done = from.run_export({"-o", "x.zip", "--json"});
        CHECK(contains(done.err, R"(src/\x1b[31mred\x0aline)"));
        CHECK(contains(done.err, R"(src/latin\xe4)"));
        CHECK_FALSE(contains(done.err, "\x1B"));
        CHECK(contains(done.out, R"("path":"src/latin\\xe4","path_base64":"c3JjL2xhdGlu5A==")"));
        CHECK_FALSE(contains(done.out, "\x1B"));
        CHECK(lines_of(done.out).size() == 1);
        auto const dry = submitit({"export", "--dry-run", "src"}, from.here);
        CHECK_FALSE(contains(dry.out, "\x1B"));
        CHECK(lines_with(dry.out, "red") == 1);
    }

    TEST_CASE("the summary is one line on standard output; -v adds to it, -q leaves warnings only") {
        reporting const from;
        CHECK(lines_of(from.run_export({"-o", "x.tar"}).out).size() == 1);
        auto const verbose = from.run_export({"-o", "x.tar", "-v"});
        CHECK(lines_of(verbose.out).size() > 3);
        CHECK(contains(verbose.out, "2 directories"));
        auto const quiet = from.run_export({"-o", "x.zip", "-q"});
        CHECK(quiet.out == "");
        CHECK(lines_of(quiet.err).size() == 1);
        CHECK(quiet.status == 1);
        CHECK(from.run_export({"-o", "x.tar", "-q"}).err == "");
    }

    TEST_CASE("--progress json writes JSON lines on standard error while it runs, none nothing") {
        reporting const from;
        from.at.sparse("src/large", std::uint64_t{8} << 40U);
        child running{program({"export", "src", "-o", "x.tar.gz", "--no-sync", "--progress", "json"}, from.here)};
        CHECK(running.error_says("}\n"));
        running.signal(SIGTERM);
        auto const done = running.finish();
        CHECK(done.status == 128 + SIGTERM);
        CHECK(number(json_of(lines_of(done.err).front()), {"content_bytes"}) > 0);
        CHECK(contains(lines_of(done.err).back(), "interrupted"));
        ::unlink((from.at / "src/large").c_str());
        CHECK(from.run_export({"-o", "x.tar.gz", "--progress", "none", "-q"}).err == "");
        CHECK(from.run_export({"-o", "x.tar.gz", "--progress", "loud"}).status == 2);
    }

    TEST_CASE("--progress json on a pipe: every line parses, none goes back, the last has reached the total") {
        reporting const from;
        for (int i = 0; i < 40; ++i) from.at.put("src/large" + std::to_string(i), prose(2'000'000));
        ::unlink((from.at / "src/fifo").c_str());
        auto const done =
            from.run_export({"-o", "x.tar.gz", "--no-sync", "--json", "--progress", "json", "-l", "9", "-j", "1"});
        REQUIRE(done.status == 0);
        auto const report = json_of(done.out);
        std::vector<boost::json::object> lines;
        for (auto const& line : lines_of(done.err))
            if (line.starts_with('{')) lines.push_back(json_of(line));
        REQUIRE_FALSE(lines.empty());
        CHECK(lines.size() + 1 == lines_of(done.err).size());  // the note about the socket is no JSON
        std::uint64_t bytes = 0;
        for (auto const& line : lines) {
            CHECK(text(line, {"event"}) == "progress");
            CHECK(number(line, {"content_bytes"}) >= bytes);
            bytes = number(line, {"content_bytes"});
            CHECK(bytes <= number(report, {"content_bytes"}));
        }
        auto const& last = lines.back();
        CHECK(last.at("totals_known").as_bool());
        CHECK(number(last, {"entries"}) == number(report, {"entries"}));
        CHECK(number(last, {"total_entries"}) == number(report, {"entries"}));
        CHECK(number(last, {"content_bytes"}) == number(report, {"content_bytes"}));
        CHECK(number(last, {"total_bytes"}) == number(report, {"content_bytes"}));
        CHECK(number(last, {"output_bytes"}) == number(report, {"output_bytes"}));
    }

    TEST_CASE(
        "--progress plain on a pipe: the last line has all entries and 100 %, also of a run too short for others") {
        reporting const from;
        ::unlink((from.at / "src/fifo").c_str());
        ::unlink((from.at / "src/socket").c_str());
        auto const done = from.run_export({"-o", "x.zip", "-q", "--progress", "plain"});
        CHECK(done.status == 0);
        REQUIRE_FALSE(lines_of(done.err).empty());
        auto const last = lines_of(done.err).back();
        CHECK(last.starts_with("7 entries, 9.77 KiB, "));  // zip knows no hard links: the 5,000 bytes twice, and 2
        CHECK(last.ends_with("/s, 100 %"));
        auto const failed = from.run_export({"-o", "/dev/full", "-f", "tar", "--progress", "plain"});
        CHECK(failed.status == 4);
        CHECK_FALSE(contains(failed.err, "100 %"));
        CHECK(contains(lines_of(failed.err).back(), "error: "));
    }

    TEST_CASE("a socket alone leaves nothing to store; a directory with only a socket is stored") {
        reporting const from;
        CHECK(export_to("x.tar", {"src/socket"}, from.here).status == 3);
        from.at.socket("only/s");
        CHECK(export_to("x.tar", {"only"}, from.here).status == 0);
        CHECK(names_of(from.at / "x.tar") == names{"only/"});
    }

    TEST_CASE("--help and --version answer on standard output with exit 0") {
        for (names const& arguments :
             {names{"--help"}, names{"export", "--help"}, names{"verify", "--help"}, names{"--version"}}) {
            auto const done = submitit(arguments);
            CHECK(done.status == 0);
            CHECK(done.out != "");
            CHECK(done.err == "");
        }
    }
}

}  // namespace submitit::testing
