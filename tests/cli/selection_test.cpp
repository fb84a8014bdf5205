// SPDX-License-Identifier: Apache-2.0
// What is left out, by the words of the command line.
#include <doctest/doctest.h>

#include "cli/sandbox.hpp"
#include "support/archive_entries.hpp"
#include "support/program.hpp"
#include "support/temp_tree.hpp"

namespace submitit::testing {
namespace {

using names = std::vector<std::string>;

struct selecting {
    temp_tree at;
    command here;
    std::string said;  ///< on standard error, by the last run

    selecting() { here.directory = at.path(); }

    [[nodiscard]] names listed(names arguments, int status = 0) {
        arguments.insert(arguments.begin(), {"export", "--dry-run"});
        auto const done = submitit(std::move(arguments), here);
        said = done.err;
        INFO("standard error: ", done.err);
        REQUIRE(done.status == status);
        return lines_of(done.out);
    }
};

}  // namespace

TEST_SUITE("cli/selection") {
    TEST_CASE("--exclude and --include: gitignore syntax, the last match wins") {
        selecting by;
        for (auto const* const name : {"t/a.o", "t/keep.o", "t/b.c", "t/sub/c.o", "t/sub/d"}) by.at.put(name);
        CHECK(by.listed({"t", "--exclude", "*.o"}) == names{"t/", "t/b.c", "t/sub/", "t/sub/d"});
        CHECK(by.listed({"t", "--exclude", "/*.o"}) == names{"t/", "t/b.c", "t/sub/", "t/sub/c.o", "t/sub/d"});
        CHECK(by.listed({"t", "--exclude", "*.o", "--include", "keep.o"}) ==
              names{"t/", "t/b.c", "t/keep.o", "t/sub/", "t/sub/d"});
        CHECK(by.listed({"t", "--include", "keep.o", "--exclude", "*.o"}) == names{"t/", "t/b.c", "t/sub/", "t/sub/d"});
        CHECK(by.listed({"t", "--exclude", "*", "--include", "b.c"}) == names{"t/", "t/b.c"});
        CHECK(by.listed({"t", "--exclude=**/c.o", "--exclude", "d"}) ==
              names{"t/", "t/a.o", "t/b.c", "t/keep.o", "t/sub/"});
    }

    TEST_CASE("an excluded directory is not entered, so nothing in it can be included") {
        selecting by;
        by.at.put("t/out/wanted");
        by.at.put("t/in/x");
        CHECK(by.listed({"t", "--exclude", "out/", "--include", "wanted"}) == names{"t/", "t/in/", "t/in/x"});
        by.at.mode("", 0755);
        by.at.mode("t/out", 0);
        auto const before = by.here;
        by.here.in_child = as_nobody;
        auto const done = submitit({"export", "--dry-run", "t", "--exclude", "out/"}, by.here);
        if (done.status != 127) CHECK(done.err == "");  // as nobody, entering it would be a warning
        by.at.mode("t/out", 0755);
    }

    TEST_CASE("--exclude-from: the lines stand where the option stands") {
        selecting by;
        for (auto const* const name : {"t/a", "t/b", "t/c"}) by.at.put(name);
        by.at.put("patterns", "# a comment\n\na\nb\n!b\n");
        CHECK(by.listed({"t", "--exclude-from", "patterns"}) == names{"t/", "t/b", "t/c"});
        CHECK(by.listed({"t", "--exclude-from", "patterns", "--include", "a"}) == names{"t/", "t/a", "t/b", "t/c"});
        CHECK(by.listed({"t", "--include", "a", "--exclude-from", "patterns"}) == names{"t/", "t/b", "t/c"});
        auto const missing = submitit({"export", "--dry-run", "t", "--exclude-from", "no-such"}, by.here);
        CHECK(missing.status != 0);
        CHECK(contains(missing.err, "no-such"));
    }

    TEST_CASE("--gitignore gives the answers of git check-ignore --no-index, parents included") {
        if (!have("git")) return;
        selecting by;
        by.at.put("r/.gitignore", "*.log\n/build/\n!keep.log\nsub/*.tmp\n");
        by.at.put("r/part/.gitignore", "local\n!*.log\n");
        names const files{"r/a.log",      "r/keep.log",   "r/build/x",         "r/sub/y.tmp",        "r/sub/z.c",
                          "r/part/local", "r/part/b.log", "r/part/deep/c.log", "r/part/deep/build/d"};
        for (auto const& name : files) by.at.put(name);
        command git;
        git.directory = by.at / "r";
        git.environment = {{"GIT_CONFIG_GLOBAL", "/dev/null"}, {"GIT_CONFIG_SYSTEM", "/dev/null"}};
        git.argv = {"git", "init", "-q", "."};
        REQUIRE(run(git).status == 0);
        for (std::string const source : {"r", "r/part"}) {
            auto const taken = by.listed({"-C", source, ".", "--prefix", source, "--gitignore", "--exclude-vcs"});
            for (auto const& name : files) {
                if (!name.starts_with(source + '/')) continue;
                CAPTURE(name);
                git.argv = {"git", "check-ignore", "--no-index", "-q", name.substr(2)};
                bool const ignored = run(git).status == 0;
                bool const left_out = std::find(taken.begin(), taken.end(), name) == taken.end();
                CHECK(left_out == ignored);
            }
        }
    }

    TEST_CASE("--gitignore with a SOURCE that its repository ignores says so and takes nothing in it") {
        if (!have("git")) return;
        selecting by;
        by.at.put("r/.gitignore", "build/\n");
        by.at.put("r/build/x");
        command git;
        git.directory = by.at / "r";
        git.argv = {"git", "init", "-q", "."};
        REQUIRE(run(git).status == 0);
        CHECK(by.listed({"r/build", "--gitignore"}) == names{"build/"});
        CHECK(lines_with(by.said, "note: ") == 1);
    }

    TEST_CASE("--exclude-vcs leaves out the directories of version control") {
        selecting by;
        for (auto const* const name :
             {"t/.git/HEAD", "t/.svn/x", "t/.hg/y", "t/src/.git/HEAD", "t/src/code", "t/.github/z"})
            by.at.put(name);
        CHECK(by.listed({"t", "--exclude-vcs"}) == names{"t/", "t/.github/", "t/.github/z", "t/src/", "t/src/code"});
        CHECK(by.listed({"t"}).size() == 13);
    }

    TEST_CASE(
        "symlinks are stored as links; --dereference follows inside the SOURCE and counts the others as refused") {
        selecting by;
        by.at.put("outside", "secret");
        by.at.put("t/file", "content");
        by.at.put("t/dir/inner", "in");
        by.at.symlink("t/to-file", "file");
        by.at.symlink("t/to-dir", "dir");
        by.at.symlink("t/to-outside", "../outside");
        by.at.symlink("t/to-abs", "/etc/hostname");
        by.at.symlink("t/dir/loop", "..");
        REQUIRE(export_to("plain.tar", {"t"}, by.here).status == 0);
        CHECK(entry_of(by.at / "plain.tar", "t/to-outside").target == "../outside");
        CHECK(entry_of(by.at / "plain.tar", "t/to-dir").kind == 'l');

        auto const done = export_to("deref.tar", {"t", "--dereference", "--json"}, by.here);
        CHECK(done.status == 1);
        CHECK(number(json_of(done.out), {"notices", "refused"}) == lines_with(done.err, "warning: "));
        CHECK(lines_with(done.err, "t/to-outside") == 1);
        CHECK(lines_with(done.err, "t/to-abs") == 1);
        CHECK(lines_with(done.err, "t/dir/loop") == 1);
        CHECK(entry_of(by.at / "deref.tar", "t/to-file").content == "content");
        CHECK(entry_of(by.at / "deref.tar", "t/to-dir/inner").content == "in");
        for (auto const& entry : entries_of(by.at / "deref.tar")) CHECK(entry.content != "secret");
        CHECK(export_to("strict.tar", {"t", "--dereference", "--strict"}, by.here).status == 3);
        CHECK_FALSE(by.at.exists("strict.tar"));
    }

    TEST_CASE("mounts are crossed; --one-file-system stays and notes it") {
        selecting by;
        by.at.put("t/a");
        by.at.directory("t/mount");
        small_file_system const mount{by.at / "t/mount", 1U << 20U};
        if (!mount.mounted()) return;
        by.at.put("t/mount/inside");
        CHECK(by.listed({"t"}) == names{"t/", "t/a", "t/mount/", "t/mount/inside"});
        CHECK(by.said == "");
        CHECK(by.listed({"t", "--one-file-system"}) == names{"t/", "t/a", "t/mount/"});
        CHECK(lines_with(by.said, "note: t/mount") == 1);
        CHECK(export_to("out.tar", {"t", "--one-file-system"}, by.here).status == 0);
    }
}

}  // namespace submitit::testing
