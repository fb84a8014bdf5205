// SPDX-License-Identifier: Apache-2.0
// Mistakes of usage: exit 2 and one line that names the argument, the cause, the remedy, and where to read on.
#include <doctest/doctest.h>

#include "support/program.hpp"
#include "support/temp_tree.hpp"

namespace submitit::testing {
namespace {

using names = std::vector<std::string>;

struct mistake {
    names arguments;
    names said;  ///< the argument and the remedy
};

struct mistaken {
    temp_tree at;
    command here;

    mistaken() {
        at.put("S/a", "a");
        here.directory = at.path();
    }

    void check(std::vector<mistake> const& all, std::string const& help) const {
        for (auto const& one : all) {
            std::string line;
            for (auto const& argument : one.arguments) line += " '" + argument + '\'';
            CAPTURE(line);
            auto const done = submitit(one.arguments, here);
            CAPTURE(done.err);
            CHECK(done.status == 2);
            CHECK(done.out == "");
            CHECK(lines_of(done.err).size() == 1);
            CHECK(done.err.starts_with("submitit-io: error: "));
            CHECK(done.err.ends_with("(see " + help + ")\n"));
            for (auto const& word : one.said) CHECK_MESSAGE(contains(done.err, word), word);
        }
        CHECK(at.names_in() == names{"S"});
    }
};

}  // namespace

TEST_SUITE("cli/usage") {
    TEST_CASE("no command, or none that there is") {
        mistaken const by;
        by.check({{{}, {"export, verify, list, top or doctor"}},
                  {{"S", "bogus"}, {"'S' is no command", "export, verify"}},
                  {{"exprot", "S"}, {"'exprot' is no command", "export, verify"}}},
                 "submitit-io --help");
    }

    TEST_CASE("export: each wrong value is named, with what to write instead") {
        mistaken const by;
        by.check(
            {
                {{"export"}, {"no source", "name a directory"}},
                {{"export", "S", "-o", "x.zip", "--exclude-from", "S"}, {"--exclude-from S", "Is a directory"}},
                {{"export", "S", "-o", "x.zip", "--exclude-from", "/dev/zero"}, {"--exclude-from", "larger than"}},
                {{"export", "-"}, {"'-'", "Name a directory"}},
                {{"export", "S", "S"}, {"'S'", "Export them separately"}},
                {{"export", "S", "-j", "0"}, {"--jobs", "'0'", "use 1 to 1024"}},
                {{"export", "S", "-j", "1025"}, {"--jobs", "'1025'", "use 1 to 1024"}},
                {{"export", "S", "-j", "x"}, {"--jobs", "'x'", "use 1 to 1024"}},
                {{"export", "S", "--jobs=-1"}, {"--jobs", "'-1'", "use 1 to 1024"}},
                {{"export", "S", "-m", "0"}, {"-m", "'0'", "write it as 64MiB"}},
                {{"export", "S", "-m", "12Q"}, {"-m", "'12Q'", "write it as 64MiB"}},
                {{"export", "S", "-l", "99"}, {"-l", "'99'", "use 1 to 9, or store"}},
                {{"export", "S", "-l", "20", "-f", "tar.zst"}, {"-l", "'20'", "use 1 to 19"}},
                {{"export", "S", "-l", "1", "-f", "tar"}, {"-l", "plain tar", "Use tar.zst"}},
                {{"export", "S", "-f", "foo"}, {"-f", "'foo'", "use zip, tar, tar.gz or tar.zst"}},
                {{"export", "S", "-o", "x.unknown"}, {"-o", "x.unknown", "use .zip"}},
                {{"export", "S", "-o", "-"}, {"-o -", "-f FMT"}},
                {{"export", "S", "-o", "S", "-f", "zip"}, {"-o S", "is a directory", "'S/'"}},
                {{"export", "S", "--io", "nope"}, {"--io", "'nope'", "use auto, uring or threads"}},
                {{"export", "S", "--progress", "foo"}, {"--progress", "'foo'", "use auto, bar, plain, json or none"}},
                {{"export", "S", "--xattrs", "some"}, {"--xattrs", "'some'", "use user, all or none"}},
                {{"export", "S", "--owner", "no-such-user-here"}, {"--owner", "'no-such-user-here'", "NAME:ID"}},
                {{"export", "S", "--group", "a:b"}, {"--group", "'a:b'", "NAME:ID"}},
                {{"export", "S", "--exclude-from", "no-such"}, {"--exclude-from", "no-such", "leave it out"}},
                {{"export", "S", "-o", "x.zip", "--single-frame"}, {"--single-frame", "zip", "-f tar.zst"}},
                {{"export", "S", "--no-clobber", "--force"}, {"--no-clobber", "--force", "leave one"}},
                {{"export", "S", "-o", "x.zip", "--report", "x.zip"}, {"--report", "x.zip", "give another"}},
            },
            "submitit-io export --help");
    }

    TEST_CASE("an empty value is a mistake for every option that takes one, but for --prefix") {
        mistaken const by;
        std::vector<mistake> all{{{"export", ""}, {"SOURCE is empty", "name a directory"}}};
        for (std::string const option :
             {"--directory", "--files-from", "--exclude", "--include", "--exclude-from", "--output", "--format",
              "--level", "--owner", "--group", "--memory", "--report"})
            all.push_back({{"export", "S", option, ""}, {option + ": must not be empty", "leave it out"}});
        for (std::string const option : {"--xattrs", "--jobs", "--io", "--progress"})
            all.push_back({{"export", "S", option, ""}, {option, "''", "use "}});
        by.check(all, "submitit-io export --help");
        by.check({{{"verify", ""}, {"ARCHIVE", "must not be empty"}},
                  {{"verify", "x.zip", "--against", ""}, {"--against", "must not be empty"}},
                  {{"verify", "x.zip", "-m", ""}, {"--memory", "must not be empty"}}},
                 "submitit-io verify --help");
        by.check({{{"list", ""}, {"ARCHIVE", "must not be empty"}}}, "submitit-io list --help");
        CHECK(export_to("x.zip", {"S", "--prefix", ""}, by.here).status == 0);
    }

    TEST_CASE("arguments that are missing, too many or unknown, with the help of the command they were given to") {
        mistaken const by;
        by.check({{{"export", "S", "--no-such"}, {"'--no-such'", "no option of export", "spelling"}},
                  {{"export", "S", "-qx"}, {"'-x'", "no option of export"}},
                  {{"export", "S", "-o"}, {"--output lacks its value"}},
                  {{"export", "S", "-l", "5", "-l", "6"}, {"--level is given more than once"}},
                  {{"export", "S", "--json=x"}, {"--json", "takes no value"}}},
                 "submitit-io export --help");
        by.check({{{"verify"}, {"ARCHIVE is required", "name one"}},
                  {{"verify", "a.zip", "b.zip"}, {"'b.zip'", "one argument too many"}},
                  {{"verify", "a.zip", "-m", "12Q"}, {"-m", "'12Q'", "write it as 64MiB"}},
                  {{"verify", "S/a"}, {"S/a", "no archive of a known kind", "Name a zip"}}},
                 "submitit-io verify --help");
        by.check({{{"list"}, {"ARCHIVE is required", "name one"}},
                  {{"list", "S/a"}, {"S/a", "no archive of a known kind", "Name a zip"}}},
                 "submitit-io list --help");
        by.check({{{"doctor", "x"}, {"'x'", "one argument too many"}}, {{"doctor", "--x"}, {"'--x'", "no option of"}}},
                 "submitit-io doctor --help");
    }

    TEST_CASE("a directory or a list of sources that is not there is no mistake of usage, but named as well") {
        mistaken const by;
        auto const directory = submitit({"export", "S", "-C", "no-such"}, by.here);
        CHECK(directory.status == 3);
        CHECK(contains(directory.err, "-C no-such: "));
        auto const list = submitit({"export", "-T", "no-such"}, by.here);
        CHECK(list.status == 3);
        CHECK(contains(list.err, "-T no-such: "));
        CHECK(by.at.names_in() == names{"S"});
    }

    TEST_CASE("the help of --exclude and --include says what a GLOB is relative to") {
        auto const help = submitit({"export", "--help"}).out;
        CHECK(contains(help, "gitignore syntax"));
        CHECK(contains(help, "root of each SOURCE"));
    }
}

}  // namespace submitit::testing
