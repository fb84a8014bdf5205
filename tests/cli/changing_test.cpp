// SPDX-License-Identifier: Apache-2.0
// Sources that change or fail while they are exported. A preloaded shim (fault_shim.cpp) lets it happen to one file at one
// moment, so that nothing here depends on who is faster.
#include <doctest/doctest.h>
#include <unistd.h>

#include <map>

#include "cli/sandbox.hpp"
#include "support/archive_entries.hpp"
#include "support/program.hpp"
#include "support/temp_tree.hpp"

namespace submitit::testing {
namespace {

using names = std::vector<std::string>;
constexpr char const* victim = "src/m-victim";

/// Four tickets.
std::size_t large_bytes_of(std::string_view suffix) { return suffix == ".tar.zst" ? 14'000'000 : 3'500'000; }

/// What an export under a fault did; checks what holds for every one of them.
struct faulted {
    outcome done;
    boost::json::object report;
    std::string archive;

    [[nodiscard]] std::uint64_t count(std::string_view kind) const { return number(report, {"notices", kind}); }
    [[nodiscard]] names stored() const { return names_of(archive); }
    [[nodiscard]] std::string content() const { return entry_of(archive, victim).content; }
};

class changing {
public:
    temp_tree at;

    changing() {
        here_.directory = at.path();
        here_.environment = fault_shim_for(at / victim);
    }

    /// The tree with a victim of `content`; replaces what an earlier run left.
    void make_tree(std::string_view content) const {
        for (auto const* const name : {"src/a", "src/z"}) at.put(name, prose(3000));
        ::unlink((at / victim).c_str());
        at.put(victim, content);
    }

    [[nodiscard]] outcome run_export(std::string const& output, std::map<std::string, std::string> const& fault,
                                     names options = {}) const {
        auto with = here_;
        for (auto const& [name, value] : fault) with.environment.emplace_back("FAULT_" + name, value);
        options.insert(options.begin(), {"src", "--json", "-j", "1"});
        return export_to(output, std::move(options), with);
    }

    /// Runs it; the archive must be sound and the report must agree with the lines on standard error. `warnings` as expected.
    [[nodiscard]] faulted run(std::string const& output, std::map<std::string, std::string> const& fault,
                              std::uint64_t warnings = 1, names options = {}) const {
        faulted by;
        by.done = run_export(output, fault, std::move(options));
        INFO("standard error: ", by.done.err);
        CHECK(by.done.status == (warnings != 0 ? 1 : 0));
        by.report = json_of(by.done.out);
        by.archive = at / output;
        CHECK(number(by.report, {"warnings"}) == warnings);
        CHECK(lines_with(by.done.err, "submitit-io: warning: ") == warnings);
        CHECK(lines_of(by.done.err).size() == warnings);
        CHECK(by.report.at("published").as_bool());
        auto const verified = submitit({"verify", "--json", output}, {.directory = at.path()});
        CHECK(verified.status == 0);
        CHECK(number(json_of(verified.out), {"files"}) == number(by.report, {"files"}));
        CHECK(number(json_of(verified.out), {"entries"}) == number(by.report, {"entries"}));
        CHECK(number(json_of(verified.out), {"content_bytes"}) == number(by.report, {"content_bytes"}));
        return by;
    }

    /// The same with --strict: exit 3, nothing published, an old archive untouched.
    void refuses_when_strict(std::string const& output, std::map<std::string, std::string> const& fault) const {
        at.put("strict-" + output, "old");
        auto const done = run_export("strict-" + output, fault, {"--strict"});
        CHECK(done.status == 3);
        CHECK(at.read("strict-" + output) == "old");
        CHECK_FALSE(json_of(done.out).at("published").as_bool());
    }

private:
    command here_;
};

names const without_victim{"src/", "src/a", "src/z"};
names const with_victim{"src/", "src/a", victim, "src/z"};

}  // namespace

TEST_SUITE("cli/changing sources") {
    TEST_CASE("a file that vanishes between walk and open is left out: vanished, one line, exit 1") {
        changing const tree;
        for (std::string const suffix : all_suffixes) {
            for (std::size_t const bytes : {std::size_t{5000}, large_bytes_of(suffix)}) {
                CAPTURE(suffix);
                CAPTURE(bytes);
                tree.make_tree(prose(bytes));
                auto const by = tree.run("x" + suffix, {{"AT", "stat"}, {"DO", "delete"}});
                CHECK(by.count("vanished") == 1);
                CHECK(lines_with(by.done.err, "src/m-victim: vanished") == 1);
                CHECK(by.stored() == without_victim);
                tree.make_tree(prose(bytes));
                tree.refuses_when_strict("x" + suffix, {{"AT", "stat"}, {"DO", "delete"}});
            }
        }
    }

    TEST_CASE("a directory that vanishes after it was listed keeps its entry, and its contents are not invented") {
        changing const tree;
        tree.make_tree("");
        ::unlink((tree.at / victim).c_str());
        tree.at.put("src/m-victim/inner", "inner");
        auto const by = tree.run("x.tar", {{"AT", "stat"}, {"DO", "move"}, {"WITH", tree.at / "away"}});
        CHECK(by.count("vanished") == 1);
        CHECK(by.stored() == names{"src/", "src/a", "src/m-victim/", "src/z"});
    }

    TEST_CASE("a name that becomes another file, a symlink or a FIFO is left out: replaced") {
        changing const tree;
        for (std::string const suffix : all_suffixes) {
            for (std::size_t const bytes : {std::size_t{5000}, large_bytes_of(suffix)}) {
                for (std::string const into : {"file", "symlink", "fifo"}) {
                    CAPTURE(suffix);
                    CAPTURE(bytes);
                    CAPTURE(into);
                    tree.make_tree(prose(bytes));
                    if (into == "file") tree.at.put("other", noise(bytes, 1));
                    if (into == "symlink") tree.at.symlink("other", "/etc/hostname");
                    if (into == "fifo") tree.at.fifo("other");
                    auto const by =
                        tree.run("x" + suffix, {{"AT", "stat"}, {"DO", "replace"}, {"WITH", tree.at / "other"}});
                    CHECK(by.count("replaced") == 1);
                    CHECK(by.stored() == without_victim);
                }
            }
        }
    }

    TEST_CASE("a small file that grows before it is read is stored as it was read: changed") {
        changing const tree;
        for (std::string const suffix : all_suffixes) {
            CAPTURE(suffix);
            tree.make_tree(prose(5000));
            auto const by = tree.run("x" + suffix, {{"AT", "stat"}, {"DO", "append"}, {"SIZE", "1000"}});
            CHECK(by.count("changed") == 1);
            CHECK(by.content() == prose(5000));
            CHECK(by.stored() == with_victim);
            tree.make_tree(prose(5000));
            tree.refuses_when_strict("x" + suffix, {{"AT", "stat"}, {"DO", "append"}, {"SIZE", "1000"}});
        }
    }

    TEST_CASE("a small file that shrinks before it is read is read again, whole and consistent") {
        changing const tree;
        for (std::string const suffix : all_suffixes) {
            CAPTURE(suffix);
            tree.make_tree(prose(5000));
            auto const by = tree.run("x" + suffix, {{"AT", "stat"}, {"DO", "truncate"}, {"SIZE", "1234"}}, 0);
            CHECK(by.content() == prose(1234));
        }
    }

    TEST_CASE("a small file that never stands still is stored as it was read last: changed") {
        changing const tree;
        for (std::string const suffix : all_suffixes) {
            CAPTURE(suffix);
            tree.make_tree(prose(5000));
            auto const by = tree.run("x" + suffix, {{"AT", "read"}, {"DO", "append"}, {"SIZE", "10"}, {"TIMES", "99"}});
            CHECK(by.count("changed") == 1);
            CHECK(by.content() == prose(5000));
        }
    }

    TEST_CASE("a large file that grows keeps its declared size: changed, extra bytes are not read") {
        changing const tree;
        for (std::string const suffix : all_suffixes) {
            for (auto const* const moment : {"stat", "read"}) {
                CAPTURE(suffix);
                CAPTURE(moment);
                tree.make_tree(prose(large_bytes_of(suffix)));
                auto const by = tree.run("x" + suffix, {{"AT", moment}, {"DO", "append"}, {"SIZE", "100000"}});
                CHECK(by.count("changed") == 1);
                CHECK(by.content() == prose(large_bytes_of(suffix)));
            }
        }
    }

    TEST_CASE("a large file that shrinks before it is opened is stored with the size it has then: changed") {
        changing const tree;
        for (std::string const suffix : all_suffixes) {
            CAPTURE(suffix);
            tree.make_tree(prose(large_bytes_of(suffix)));
            auto const by = tree.run("x" + suffix, {{"AT", "stat"}, {"DO", "truncate"}, {"SIZE", "2500000"}});
            CHECK(by.count("changed") == 1);
            CHECK(by.content() == prose(2'500'000));
        }
    }

    TEST_CASE("a large file cut off while it is read is zero-filled: damaged; a zip in a file leaves it out instead") {
        changing const tree;
        std::map<std::string, std::string> const fault{
            {"AT", "read"}, {"DO", "truncate"}, {"SIZE", "1200000"}, {"SKIP", "1"}};
        for (std::string const suffix : {".tar", ".tar.gz", ".tar.zst"}) {
            CAPTURE(suffix);
            tree.make_tree(prose(large_bytes_of(suffix)));
            auto const by = tree.run("x" + suffix, fault);
            CHECK(by.count("damaged") == 1);
            CHECK(by.count("changed") == 0);
            auto const content = by.content();
            auto const first = suffix == ".tar.zst" ? std::size_t{4'000'000} : std::size_t{1'000'000};
            CHECK(content.size() == large_bytes_of(suffix));
            CHECK(content.substr(0, first) == prose(first));
            CHECK(content.find_first_not_of('\0', content.size() - 100'000) == std::string::npos);
            tree.make_tree(prose(large_bytes_of(suffix)));
            tree.refuses_when_strict("x" + suffix, fault);
        }
        tree.make_tree(prose(large_bytes_of(".zip")));
        auto const by = tree.run("x.zip", fault);
        CHECK(by.count("unreadable") == 1);
        CHECK(by.stored() == without_victim);
    }

    TEST_CASE("the same in a zip on a pipe, which cannot be cut back: zero-filled and damaged") {
        changing const tree;
        tree.make_tree(prose(large_bytes_of(".zip")));
        auto const done = tree.run_export("-", {{"AT", "read"}, {"DO", "truncate"}, {"SIZE", "1200000"}, {"SKIP", "1"}},
                                          {"-f", "zip"});
        CHECK(done.status == 1);
        CHECK(lines_with(done.err, "warning: src/m-victim: damaged") == 1);
        tree.at.put("piped.zip", done.out);
        CHECK(entry_of(tree.at / "piped.zip", victim).content.size() == large_bytes_of(".zip"));
        CHECK(submitit({"verify", tree.at / "piped.zip"}).status == 0);
    }

    TEST_CASE("a large file cut off before its first byte is read is told, whatever the format") {
        changing const tree;
        for (std::string const suffix : all_suffixes) {
            CAPTURE(suffix);
            tree.make_tree(prose(large_bytes_of(suffix)));
            auto const by = tree.run("x" + suffix, {{"AT", "read"}, {"DO", "truncate"}, {"SIZE", "0"}});
            CHECK(by.count("damaged") + by.count("unreadable") == 1);
            CHECK(by.stored() == (suffix == ".zip" ? without_victim : with_victim));
        }
    }

    TEST_CASE("an I/O error that passes is retried without a word; one that stays leaves the file out: unreadable") {
        changing const tree;
        for (std::string const suffix : all_suffixes) {
            for (std::size_t const bytes : {std::size_t{5000}, large_bytes_of(suffix)}) {
                for (auto const* const moment : {"read", "backend"}) {
                    CAPTURE(suffix);
                    CAPTURE(bytes);
                    CAPTURE(moment);
                    tree.make_tree(prose(bytes));
                    // The planner samples a large file before it is read, by the very call the backend uses.
                    bool const sampled = suffix == ".zip" && bytes > 5000 && moment == std::string{"backend"};
                    auto const once =
                        tree.run("x" + suffix, {{"AT", moment}, {"DO", "eio"}, {"SKIP", sampled ? "1" : "0"}}, 0,
                                 {"--io", "threads"});
                    CHECK(once.content() == prose(bytes));
                    auto const for_good = tree.run("x" + suffix, {{"AT", moment}, {"DO", "eio"}, {"TIMES", "99"}}, 1,
                                                   {"--io", "threads"});
                    CHECK(for_good.count("unreadable") == 1);
                    CHECK(lines_with(for_good.done.err, "src/m-victim: unreadable: Input/output error") == 1);
                    CHECK(for_good.stored() == without_victim);
                }
            }
        }
    }

    TEST_CASE("an I/O error in the middle of a large file: zeros and damaged, or left out of a zip in a file") {
        changing const tree;
        for (std::string const suffix : all_suffixes) {
            CAPTURE(suffix);
            auto const bytes = large_bytes_of(suffix);
            tree.make_tree(prose(bytes));
            auto const by = tree.run("x" + suffix, {{"AT", "read"}, {"DO", "eio"}, {"SKIP", "1"}, {"TIMES", "2"}});
            if (suffix == ".zip") {
                CHECK(by.count("unreadable") == 1);
                CHECK(by.stored() == without_victim);
                continue;
            }
            CHECK(by.count("damaged") == 1);
            auto const content = by.content();
            CHECK(content.size() == bytes);
            CHECK(content != prose(bytes));
            CHECK(content.substr(content.size() - 1000) == prose(bytes).substr(bytes - 1000));
        }
    }

    TEST_CASE("when the first name of a hard-linked file goes, the next name carries the content") {
        changing const tree;
        for (std::string const suffix : {".tar", ".tar.gz", ".tar.zst"}) {
            for (std::size_t const bytes : {std::size_t{5000}, large_bytes_of(suffix)}) {
                CAPTURE(suffix);
                CAPTURE(bytes);
                tree.make_tree(prose(bytes));
                for (auto const* const name : {"src/n-second", "src/o-third"}) {
                    ::unlink((tree.at / name).c_str());
                    tree.at.hard_link(name, victim);
                }
                auto const by = tree.run("x" + suffix, {{"AT", "stat"}, {"DO", "delete"}});
                CHECK(by.count("vanished") == 1);
                auto const second = entry_of(by.archive, "src/n-second");
                CHECK(second.kind == '-');
                CHECK(second.content == prose(bytes));
                auto const third = entry_of(by.archive, "src/o-third");
                CHECK(third.kind == 'h');
                CHECK(third.target == "src/n-second");
            }
        }
    }

    TEST_CASE("what permissions forbid is left out: unreadable, one line each, exit 1") {
        temp_tree const at;
        at.mode("", 0755);
        for (auto const* const name : {"src/a", "src/closed", "src/dir/inner", "src/z"}) at.put(name, prose(2000));
        at.put("src/large-closed", prose(14'000'000));
        for (auto const* const name : {"src/closed", "src/large-closed", "src/dir"}) at.mode(name, 0);
        at.directory("out");
        at.mode("out", 0777);
        command with{.directory = at.path()};
        with.in_child = as_nobody;
        for (std::string const suffix : all_suffixes) {
            CAPTURE(suffix);
            auto const output = "out/x" + suffix;
            auto const done = export_to(output, {"src", "--json"}, with);
            if (done.status == 127) {
                MESSAGE("nobody cannot run the program where it was built: unreadable files are not tried");
                break;
            }
            CHECK(done.status == 1);
            CHECK(number(json_of(done.out), {"notices", "unreadable"}) == 3);
            CHECK(lines_with(done.err, "Permission denied") == 3);
            CHECK(lines_of(done.err).size() == 3);
            CHECK(names_of(at / output) == names{"src/", "src/a", "src/dir/", "src/z"});
        }
        at.mode("src/dir", 0755);
    }
}

}  // namespace submitit::testing
