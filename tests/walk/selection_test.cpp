// SPDX-License-Identifier: Apache-2.0
#include "walk/selection.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "scratch_tree.hpp"

namespace submitit::walk {
namespace {

selection_options with_gitignore() {
    selection_options options;
    options.gitignore = true;
    return options;
}

selection_options with_rules(std::vector<selection_rule> rules, bool gitignore = false) {
    selection_options options;
    options.rules = std::move(rules);
    options.gitignore = gitignore;
    return options;
}

selection_rule exclude(std::string pattern) { return {false, std::move(pattern)}; }
selection_rule include(std::string pattern) { return {true, std::move(pattern)}; }

/// Walks down to one path the way the walker does: '+' goes in, '-' excluded, '^' below an excluded directory. A path
/// that ends in '/' is a directory.
char fate(selection_options const& options, scratch_tree const& tree, std::string_view source, std::string_view path) {
    selection chosen{options};
    unique_fd directory = tree.open(source);
    REQUIRE(chosen.enter_root(directory.get(), tree.path(source)));
    int depth = 1;
    char answer = '?';
    while (answer == '?') {
        std::size_t const slash = path.find('/');
        std::string const name{path.substr(0, slash)};
        bool const is_directory = slash != std::string_view::npos;
        path.remove_prefix(is_directory ? slash + 1 : path.size());
        bool const stays_out = chosen.excluded(name, is_directory);
        if (stays_out || path.empty()) {
            answer = !stays_out ? '+' : path.empty() ? '-' : '^';
            break;
        }
        directory = unique_fd{::openat(directory.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
        REQUIRE(directory);
        REQUIRE(chosen.enter(directory.get(), name));
        ++depth;
    }
    while (depth-- > 0) chosen.leave();
    CHECK(chosen.pattern_bytes() == 0);
    return answer;
}

struct expectation {
    std::string_view path;
    char fate;
};

void check_fates(selection_options const& options, scratch_tree const& tree, std::string_view source,
                 std::initializer_list<expectation> expected) {
    for (expectation const& one : expected) {
        CAPTURE(one.path);
        CHECK(fate(options, tree, source, one.path) == one.fate);
    }
}

}  // namespace

TEST_SUITE("walk/selection") {
    TEST_CASE("without options everything goes in") {
        scratch_tree tree;
        tree.file("d/.gitignore", "*\n");
        check_fates({}, tree, "", {{"d/", '+'}, {"d/x", '+'}, {".git/", '+'}, {"d/.gitignore", '+'}});
    }

    TEST_CASE("rules are asked in order, relative to the source, and the last match wins") {
        scratch_tree tree;
        tree.directory("d/e");
        auto const options =
            with_rules({exclude("*.o"), include("keep.o"), exclude("/top"), exclude("d/e/x*"), exclude("sub/")});
        check_fates(options, tree, "",
                    {{"a.o", '-'},
                     {"keep.o", '+'},
                     {"d/keep.o", '+'},
                     {"top", '-'},
                     {"d/top", '+'},
                     {"d/e/x1", '-'},
                     {"d/x1", '+'},
                     {"sub/", '-'},
                     {"sub", '+'}});
        check_fates(with_rules({include("keep.o"), exclude("*.o")}), tree, "", {{"keep.o", '-'}});
        check_fates(options, tree, "d", {{"top", '-'}, {"e/x1", '+'}});
    }

    TEST_CASE("nothing below an excluded directory can be included again") {
        scratch_tree tree;
        tree.directory("d/e");
        check_fates(with_rules({exclude("d"), include("d/e/x")}), tree, "", {{"d/", '-'}, {"d/e/x", '^'}});
        check_fates(with_rules({exclude("d/*"), include("d/e"), exclude("d/e/*"), include("d/e/x")}), tree, "",
                    {{"d/", '+'}, {"d/e/x", '+'}, {"d/e/y", '-'}, {"d/y", '-'}});
    }

    TEST_CASE("'!' turns an exclude rule around and is a plain byte in an include rule") {
        scratch_tree tree;
        check_fates(with_rules({exclude("*"), exclude("!a"), include("!b")}), tree, "",
                    {{"a", '+'}, {"b", '-'}, {"!b", '+'}, {"!a", '-'}});
    }

    TEST_CASE("'#' and trailing spaces mean something in a file of rules, and nothing in a rule given as such") {
        scratch_tree tree;
        check_fates(with_rules({exclude("#a"), exclude("b ")}), tree, "", {{"#a", '-'}, {"b ", '-'}, {"b", '+'}});
        auto const parsed = with_rules(parse_selection_rules("\xEF\xBB\xBF#a\r\nb \r\nc*\n!c1\n!!d\n"));
        REQUIRE(parsed.rules.size() == 4);
        check_fates(parsed, tree, "", {{"#a", '+'}, {"b", '-'}, {"c1", '+'}, {"c2", '-'}});
        CHECK(parsed.rules[3].include);
        CHECK(parsed.rules[3].pattern == "!d");
    }

    TEST_CASE("inner .gitignore files win over outer ones, which win over info/exclude; rules win over all") {
        scratch_tree tree;
        tree.repository();
        tree.file(".git/info/exclude", "*.tmp\n*.bak\nd/e/deep\n");
        tree.file(".gitignore", "!*.bak\n*.log\n/d/*.x\n");
        tree.file("d/.gitignore", "!a.log\n*.bak\n/*.y\n");
        tree.directory("d/e");
        check_fates(with_gitignore(), tree, "",
                    {{"a.tmp", '-'},
                     {"a.bak", '+'},
                     {"a.log", '-'},
                     {"d/a.log", '+'},
                     {"d/b.log", '-'},
                     {"d/a.bak", '-'},
                     {"d/e/a.bak", '-'},
                     {"d/a.x", '-'},
                     {"d/e/a.x", '+'},
                     {"d/a.y", '-'},
                     {"d/e/a.y", '+'},
                     {"d/e/deep", '-'}});
        check_fates(with_rules({include("*.log"), exclude("a.bak")}, true), tree, "",
                    {{"a.log", '+'}, {"d/b.log", '+'}, {"a.bak", '-'}, {"a.tmp", '-'}});
    }

    TEST_CASE("patterns of a directory end with it") {
        scratch_tree tree;
        tree.file("d/.gitignore", "x\n/y\n");
        selection chosen{with_gitignore()};
        REQUIRE(chosen.enter_root(tree.open().get(), tree.path("")));
        CHECK_FALSE(chosen.excluded("x", false));
        REQUIRE(chosen.enter(tree.open("d").get(), "d"));
        CHECK(chosen.excluded("x", false));
        CHECK(chosen.pattern_bytes() > 0);
        chosen.leave();
        CHECK(chosen.pattern_bytes() == 0);
        CHECK_FALSE(chosen.excluded("x", false));
        CHECK_FALSE(chosen.excluded("y", false));
        chosen.leave();
    }

    TEST_CASE("one selection serves one source after the other") {
        scratch_tree tree;
        tree.repository("a");
        tree.file("a/.gitignore", "s\n");
        tree.directory("a/s");
        tree.directory("b");
        selection chosen{with_gitignore()};
        REQUIRE(chosen.enter_root(tree.open("a/s").get(), tree.path("a/s")));
        CHECK(chosen.root_ignored());
        chosen.leave();
        REQUIRE(chosen.enter_root(tree.open("b").get(), tree.path("b")));
        CHECK_FALSE(chosen.root_ignored());
        CHECK_FALSE(chosen.excluded("s", true));
        chosen.leave();
    }

    TEST_CASE("a source inside a repository sees the parents up to the repository's root and never above") {
        scratch_tree tree;
        tree.file(".gitignore", "above\n");
        tree.repository("r");
        tree.file("r/.gitignore", "at-root\n/s/anchored\n/anchored\n");
        tree.file("r/s/.gitignore", "between\n");
        tree.file("r/s/t/.gitignore", "own\n");
        check_fates(with_gitignore(), tree, "r/s/t",
                    {{"above", '+'}, {"at-root", '-'}, {"between", '-'}, {"own", '-'}});
        check_fates(with_gitignore(), tree, "r/s",
                    {{"anchored", '-'}, {"t/anchored", '+'}, {"t/own", '-'}, {"own", '+'}});
        check_fates(with_rules({exclude("/between"), include("/at-root")}, true), tree, "r/s/t",
                    {{"between", '-'}, {"at-root", '+'}});
    }

    TEST_CASE("without a repository .gitignore files count from the source's root down") {
        scratch_tree tree;
        tree.file(".gitignore", "above\n");
        tree.file("s/.gitignore", "own\n");
        tree.file("s/d/.gitignore", "inner\n");
        check_fates(with_gitignore(), tree, "s",
                    {{"above", '+'}, {"own", '-'}, {"d/own", '-'}, {"d/inner", '-'}, {"inner", '+'}});
    }

    TEST_CASE("a .git directory without HEAD, objects and refs makes no repository") {
        scratch_tree tree;
        tree.repository();
        tree.file(".gitignore", "x\n");
        tree.directory("s/.git");
        tree.directory("s/d");
        check_fates(with_gitignore(), tree, "s", {{"x", '-'}, {"d/x", '-'}});
    }

    TEST_CASE("a repository inside the tree is a directory like any other") {
        scratch_tree tree;
        tree.repository();
        tree.file(".gitignore", "x\n");
        tree.repository("n");
        tree.file("n/.git/info/exclude", "y\n");
        tree.file("n/.gitignore", "z\n");
        check_fates(with_gitignore(), tree, "", {{"n/x", '-'}, {"n/y", '+'}, {"n/z", '-'}, {"n/.git/", '+'}});
        check_fates(with_gitignore(), tree, "n", {{"x", '+'}, {"y", '-'}, {"z", '-'}});
    }

    TEST_CASE("a .git file leads to info/exclude, through commondir for a linked work tree") {
        scratch_tree tree;
        tree.repository("main");
        tree.file("main/.git/info/exclude", "x\n");
        tree.file("main/.git/worktrees/w/HEAD", "ref: refs/heads/w\n");
        tree.file("main/.git/worktrees/w/commondir", "../..\n");
        tree.file("main/.git/worktrees/w/info/exclude", "y\n");
        tree.file("w/.git", "gitdir: " + tree.path("main/.git/worktrees/w") + "\r\n");
        tree.directory("w/d");
        check_fates(with_gitignore(), tree, "w", {{"x", '-'}, {"y", '+'}});
        check_fates(with_gitignore(), tree, "w/d", {{"x", '-'}});

        tree.repository("main", ".git/modules/m");
        tree.file("main/.git/modules/m/info/exclude", "m\n");
        tree.file("main/sub/m/.git", "gitdir: ../../.git/modules/m\n");
        check_fates(with_gitignore(), tree, "main/sub/m", {{"m", '-'}, {"x", '+'}});
    }

    TEST_CASE("a .git file that leads nowhere still ends the search for a root") {
        scratch_tree tree;
        tree.repository();
        tree.file(".gitignore", "x\n");
        tree.file("s/.git", "gitdir: /nonexistent/submitit\n");
        tree.file("s/.gitignore", "y\n");
        check_fates(with_gitignore(), tree, "s", {{"x", '+'}, {"y", '-'}});
    }

    TEST_CASE("a source its repository ignores has no names, but for those a rule includes") {
        scratch_tree tree;
        tree.repository();
        tree.file(".gitignore", "build/\n!keep\n");
        tree.file("build/sub/.gitignore", "!*\n");
        check_fates(with_gitignore(), tree, "build", {{"a", '-'}, {"keep", '-'}, {"sub/", '-'}});
        check_fates(with_gitignore(), tree, "build/sub", {{"a", '-'}});
        check_fates(with_rules({include("*")}, true), tree, "build", {{"a", '+'}, {"sub/b", '+'}});
        check_fates(with_rules({include("build")}, true), tree, "", {{"build/a", '+'}, {"build/sub/keep", '+'}});

        INFO("git reads nothing below an ignored directory, so these are not refused for their size");
        tree.file("build/.gitignore", std::string((1 << 20) + 1, '#'));
        tree.file("build/sub/.gitignore", std::string((1 << 20) + 1, '#'));
        check_fates(with_rules({include("*")}, true), tree, "build", {{"sub/b", '+'}});
        check_fates(with_gitignore(), tree, "build/sub", {{"a", '-'}});
    }

    TEST_CASE("a .gitignore that is a symlink, a directory or a FIFO is none") {
        scratch_tree tree;
        tree.file("patterns", "x\n");
        tree.directory("l");
        tree.link("l/.gitignore", "../patterns");
        tree.directory("d/.gitignore");
        tree.directory("f");
        REQUIRE(::mkfifo(tree.path("f/.gitignore").c_str(), 0600) == 0);
        check_fates(with_gitignore(), tree, "", {{"l/x", '+'}, {"d/x", '+'}, {"f/x", '+'}});
    }

    TEST_CASE("a pattern file above 1 MiB is refused, and its directory is entered without it") {
        scratch_tree tree;
        std::string file = "x\n";
        file.resize((1 << 20) - 2, '#');
        tree.file("d/.gitignore", file + "\ny");
        tree.file("e/.gitignore", file + "\nyy");
        selection chosen{with_gitignore()};
        REQUIRE(chosen.enter_root(tree.open().get(), tree.path("")));
        REQUIRE(chosen.enter(tree.open("d").get(), "d"));
        CHECK(chosen.excluded("y", false));
        chosen.leave();
        auto const refused = chosen.enter(tree.open("e").get(), "e");
        REQUIRE(refused.has_error());
        CHECK(refused.error() == from_errno(EFBIG));
        CHECK_FALSE(chosen.excluded("x", false));
        chosen.leave();
        chosen.leave();
    }

    TEST_CASE("the patterns of nested directories are bounded together") {
        scratch_tree tree;
        std::string file;
        while (file.size() < 300 << 10) file += "a\n";
        tree.file(".gitignore", file);
        tree.file("d/.gitignore", file);
        selection chosen{with_gitignore()};
        REQUIRE(chosen.enter_root(tree.open().get(), tree.path("")));
        CHECK(chosen.pattern_bytes() <= 4 << 20);
        CHECK(chosen.enter(tree.open("d").get(), "d").has_error());
        CHECK(chosen.pattern_bytes() <= 4 << 20);
        chosen.leave();
        chosen.leave();
    }

    TEST_CASE("an unreadable pattern file fails, and the directory is entered without it" *
              doctest::skip(::geteuid() == 0)) {
        scratch_tree tree;
        tree.file("d/.gitignore", "x\n");
        REQUIRE(::chmod(tree.path("d/.gitignore").c_str(), 0) == 0);
        selection chosen{with_gitignore()};
        REQUIRE(chosen.enter_root(tree.open().get(), tree.path("")));
        auto const refused = chosen.enter(tree.open("d").get(), "d");
        REQUIRE(refused.has_error());
        CHECK(refused.error() == from_errno(EACCES));
        CHECK_FALSE(chosen.excluded("x", false));
        chosen.leave();
        chosen.leave();
    }

    TEST_CASE("exclude_vcs leaves out what version control keeps, unless a rule includes it") {
        scratch_tree tree;
        tree.file(".gitignore", "!.svn\n");
        selection_options options = with_rules({include(".gitignore")}, true);
        options.exclude_vcs = true;
        check_fates(options, tree, "",
                    {{".git/", '-'},
                     {".git", '-'},
                     {".svn/", '-'},
                     {".hg/", '-'},
                     {"CVS/", '-'},
                     {"{arch}/", '-'},
                     {"=update", '-'},
                     {"_darcs/", '-'},
                     {".bzrtags", '-'},
                     {".hgtags", '-'},
                     {".hgrags", '-'},
                     {".gitattributes", '-'},
                     {".gitignore", '+'},
                     {"cvs/", '+'},
                     {".gitx", '+'},
                     {"git", '+'}});
    }
}

}  // namespace submitit::walk
