// SPDX-License-Identifier: Apache-2.0
#include "format/readers.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>

#include <algorithm>
#include <cstdlib>
#include <functional>

#include "support/program.hpp"
#include "support/temp_tree.hpp"

namespace submitit::testing {
namespace {

using arguments = std::vector<std::string>;

/// The suffixes a program reads, as one string for contains(): "zip tar ..." with spaces around each.
struct reading {
    char const* tool;
    char const* suffixes;
    std::function<arguments(std::string const& archive)> argv;  ///< reads every byte, writes the content or nothing
};

struct unpacking {
    char const* tool;
    char const* suffixes;
    std::function<arguments(std::string const& archive, std::string const& into)> argv;
    compare_rules keeps;
};

std::string kind_of(std::string_view archive) {
    for (std::string const suffix : {".tar.zst", ".tar.gz", ".tar", ".zip"})
        if (archive.ends_with(suffix)) return ' ' + suffix.substr(1) + ' ';
    FAIL("no archive suffix: ", std::string{archive});
    return {};
}

constexpr char const* everything = " zip tar tar.gz tar.zst ";
constexpr char const* tars = " tar tar.gz tar.zst ";

std::string python_script() {
    char const* const path = std::getenv("SUBMITIT_PYTHON_READER");
    REQUIRE(path != nullptr);
    return path;
}

/// The system's, when it is there: a version manager's shim in front of it takes longer than most of these tests.
std::string python_program() {
    auto const own = find_program("/usr/bin/python3");
    return own.empty() ? "python3" : own;
}

std::vector<reading> const& all_reading() {
    static std::vector<reading> const all{
        {"unzip", " zip ", [](auto const& a) { return arguments{"unzip", "-tqq", a}; }},
        {"tar", tars, [](auto const& a) { return arguments{"tar", "-xOf", a}; }},
        {"bsdtar", everything, [](auto const& a) { return arguments{"bsdtar", "-xOf", a}; }},
        {"7zz", everything, [](auto const& a) { return arguments{"7zz", "t", "-bso0", "-bsp0", a}; }},
        {"python3", " zip tar tar.gz ",
         [](auto const& a) { return arguments{python_program(), python_script(), "test", a}; }},
        {"gzip", " tar.gz ", [](auto const& a) { return arguments{"gzip", "-t", a}; }},
        {"pigz", " tar.gz ", [](auto const& a) { return arguments{"pigz", "-t", a}; }},
        {"zstd", " tar.zst ", [](auto const& a) { return arguments{"zstd", "-tq", a}; }},
    };
    return all;
}

/// From standard input; `archive` only tells the compression.
std::vector<reading> const& all_streaming() {
    static std::vector<reading> const all{
        {"bsdtar", everything, [](auto const&) { return arguments{"bsdtar", "-xOf", "-"}; }},
        {"tar", " tar ", [](auto const&) { return arguments{"tar", "-xO"}; }},
        {"tar", " tar.gz ", [](auto const&) { return arguments{"tar", "-xOz"}; }},
        {"tar", " tar.zst ", [](auto const&) { return arguments{"tar", "-xO", "--zstd"}; }},
        {"gzip", " tar.gz ", [](auto const&) { return arguments{"gzip", "-t"}; }},
        {"pigz", " tar.gz ", [](auto const&) { return arguments{"pigz", "-t"}; }},
        {"zstd", " tar.zst ", [](auto const&) { return arguments{"zstd", "-tq"}; }},
        {"python3", " tar tar.gz ",
         [](auto const& a) { return arguments{python_program(), python_script(), "stream", a}; }},
    };
    return all;
}

std::vector<unpacking> const& all_unpacking() {
    compare_rules no_link_times;
    no_link_times.link_times = false;
    compare_rules modest = no_link_times;  // 7-Zip: files and their bytes, modes and times
    modest.hard_links = modest.directory_times = false;
    modest.mode_mask = 0700;               // it leaves the umask in force
    compare_rules coarse = no_link_times;  // Python's tarfile reckons times as floating point numbers
    coarse.nanoseconds = false;
    static std::vector<unpacking> const all{
        {"tar", tars, [](auto const& a, auto const& d) { return arguments{"tar", "-xpf", a, "-C", d}; }, {}},
        {"bsdtar",
         everything,
         [](auto const& a, auto const& d) { return arguments{"bsdtar", "-xpf", a, "-C", d}; },
         {}},
        {"unzip", " zip ", [](auto const& a, auto const& d) { return arguments{"unzip", "-qq", "-^", a, "-d", d}; },
         no_link_times},
        {"7zz", everything,
         [](auto const& a, auto const& d) { return arguments{"7zz", "x", "-bso0", "-bsp0", "-snld", "-o" + d, a}; },
         modest},
        {"python3", " tar tar.gz ",
         [](auto const& a, auto const& d) { return arguments{python_program(), python_script(), "extract", a, d}; },
         coarse},
    };
    return all;
}

bool is_named(std::vector<std::string> const& names, char const* tool) {
    return std::find(names.begin(), names.end(), tool) != names.end();
}

bool is_for(char const* suffixes, std::string const& archive) { return contains(suffixes, kind_of(archive)); }

/// What zip has no field for, or this program leaves out of it on purpose.
compare_rules for_format(compare_rules rules, std::string const& archive) {
    if (!is_zip(archive)) return rules;
    rules.nanoseconds = rules.hard_links = false;
    rules.mode_mask &= 0777U;
    return rules;
}

compare_rules both(compare_rules const& one, compare_rules const& other) {
    return {.nanoseconds = one.nanoseconds && other.nanoseconds,
            .times = one.times && other.times,
            .link_times = one.link_times && other.link_times,
            .directory_times = one.directory_times && other.directory_times,
            .hard_links = one.hard_links && other.hard_links,
            .modes = one.modes && other.modes,
            .mode_mask = one.mode_mask & other.mode_mask};
}

/// Standard output of a reader that unpacks to it.
int discard() {
    static unique_fd const null{::open("/dev/null", O_WRONLY | O_CLOEXEC)};
    return null.get();
}

}  // namespace

bool is_zip(std::string_view archive) { return archive.ends_with(".zip"); }

command python(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {python_program(), python_script()});
    return {.argv = std::move(arguments)};
}

void check_readers(std::string const& archive, std::vector<std::string> const& but_not) {
    for (auto const& one : all_reading()) {
        if (!is_for(one.suffixes, archive) || is_named(but_not, one.tool) || !have(one.tool)) continue;
        auto const done = run({.argv = one.argv(archive), .output_fd = discard()});
        INFO("reader: ", std::string{one.tool}, ", archive: ", archive, "\n", done.err.substr(0, 2000));
        CHECK(done.status == 0);
    }
}

void check_piped(command const& exporting, std::string const& suffix) {
    for (auto const& one : all_streaming()) {
        if (!is_for(one.suffixes, suffix) || !have(one.tool)) continue;
        command reading{.argv = one.argv(suffix)};
        // What it unpacks is of no interest here, but must be taken off its hands.
        auto const [written, read] = run_piped(exporting, reading);
        INFO("reader: ", std::string{one.tool}, " of ", suffix, "\n", read.err.substr(0, 2000),
             written.err.substr(0, 2000));
        CHECK(read.status == 0);
        CHECK(written.status == 0);
    }
}

void check_extracted(std::string const& archive, std::string const& root, tree_snapshot const& source,
                     compare_rules rules, std::vector<std::string> const& but_not) {
    for (auto const& one : all_unpacking()) {
        if (!is_for(one.suffixes, archive) || is_named(but_not, one.tool) || !have(one.tool)) continue;
        temp_tree const into;
        auto unpacked = archive;
        if (one.tool == std::string_view{"7zz"} && kind_of(archive) != " zip " && kind_of(archive) != " tar ") {
            unpacked = into / "inner.tar";  // 7-Zip takes the compression off in a step of its own
            unique_fd const inner{::open(unpacked.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600)};
            REQUIRE(run({.argv = {"7zz", "x", "-so", archive}, .output_fd = inner.get()}).status == 0);
        }
        auto const done = run({.argv = one.argv(unpacked, into.path())});
        INFO("unpacked by ", std::string{one.tool}, ": ", archive, "\n", done.err.substr(0, 2000));
        CHECK(done.status == 0);
        auto const kept = for_format(both(one.keeps, rules), archive);
        CHECK(differences(source, snapshot(into / root), kept) == "");
    }
}

}  // namespace submitit::testing
