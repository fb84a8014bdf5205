// SPDX-License-Identifier: Apache-2.0
#include "walk/ignore_file.hpp"

#include <doctest/doctest.h>

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace submitit::walk {
namespace {

using namespace std::string_view_literals;

struct match_case {
    std::string_view file;
    std::string_view path;
    bool is_directory;
    verdict expected;
};

constexpr verdict in = verdict::included;
constexpr verdict out = verdict::excluded;
constexpr verdict open = verdict::undecided;

void check_all(std::initializer_list<match_case> cases) {
    for (match_case const& one : cases) {
        CAPTURE(one.file);
        CAPTURE(one.path);
        CAPTURE(one.is_directory);
        pattern_list const list = pattern_list::of_file(one.file);
        CHECK(list.match(one.path, one.path.rfind('/') + 1, one.is_directory) == one.expected);
    }
}

std::vector<std::string> patterns_of(std::string_view file) {
    std::vector<std::string> found;
    for_each_pattern(
        file, [&](ignore_pattern pattern) { found.emplace_back(pattern.negated ? "!" : "").append(pattern.text); });
    return found;
}

using texts = std::vector<std::string>;

}  // namespace

TEST_SUITE("walk/ignore_file") {
    TEST_CASE("comments and empty lines are no patterns, and a backslash takes the meaning of '#' and '!'") {
        CHECK(patterns_of("# note\n\na\n  \n#b\n\\#c\n!d\n\\!e\n #f\n") == texts{"a", "\\#c", "!d", "\\!e", " #f"});
        CHECK(patterns_of("") == texts{});
        CHECK(patterns_of("last") == texts{"last"});
        check_all({
            {"\\#c\n", "#c", false, out},
            {"\\!e\n", "!e", false, out},
            {"#c\n", "#c", false, open},
            {"!\n!/\n/\n//\n", "a", true, open},
        });
    }

    TEST_CASE("trailing spaces go unless escaped; tabs and leading spaces stay") {
        CHECK(patterns_of("a   \n  b\nc\\ \nd\\  \ne \\ f  \ng\t\nh \t \ni \\\n") ==
              texts{"a", "  b", "c\\ ", "d\\ ", "e \\ f", "g\t", "h \t", "i \\"});
        check_all({
            {"c\\ \n", "c ", false, out},
            {"c\\ \n", "c", false, open},
        });
    }

    TEST_CASE("CR goes before LF and at the end of the file only") {
        CHECK(patterns_of("a\r\nb\rc\r\r\n\r\n#x\r\nd\r") == texts{"a", "b\rc\r", "d"});
        CHECK(patterns_of("e \r\n") == texts{"e"});
    }

    TEST_CASE("a byte order mark is dropped at the start of the file and nowhere else") {
        CHECK(patterns_of("\xEF\xBB\xBF# note\na\n") == texts{"a"});
        CHECK(patterns_of("a\n\xEF\xBB\xBF# b\n") == texts{"a", "\xEF\xBB\xBF# b"});
    }

    TEST_CASE("a NUL ends its line early") { CHECK(patterns_of("ab\0cd\n\0e\nf"sv) == texts{"ab", "f"}); }

    TEST_CASE("a pattern without inner slash matches the name at any depth") {
        check_all({
            {"foo\n", "foo", false, out},
            {"foo\n", "a/b/foo", false, out},
            {"foo\n", "foo/a", false, open},
            {"foo\n", "foobar", false, open},
            {"*.o\n", "a/b.o", false, out},
            {"*.o\n", ".o", false, out},
            {"*.o\n", "b.obj", false, open},
            {"*\n", "x", false, out},
            {"b*\n", "a/bcd", false, out},
            {"b*\n", "b/a", false, open},
            {"*a*b\n", "xaxb", false, out},
            {"fo[a-o]\n", "x/foo", false, out},
            {"**\n", "a/b", false, out},
            {"f\\oo\n", "foo", false, out},
        });
    }

    TEST_CASE("a slash at the start or inside anchors the pattern to its own directory") {
        check_all({
            {"/foo\n", "foo", false, out},
            {"/foo\n", "a/foo", false, open},
            {"doc/frotz\n", "doc/frotz", true, out},
            {"doc/frotz\n", "a/doc/frotz", true, open},
            {"/*.c\n", "cat.c", false, out},
            {"/*.c\n", "mozilla/sha1.c", false, open},
            {"foo/*\n", "foo/test.json", false, out},
            {"foo/*\n", "foo/bar/hello.c", false, open},
            {"a/b*c\n", "a/bxc", false, out},
            {"a/b*c\n", "a/bx/c", false, open},
            {"a/b*\n", "a/b", false, out},
            {"//foo\n", "foo", false, open},
            {"foo//bar\n", "foo/bar", false, open},
            {"./foo\n", "foo", false, open},
        });
    }

    TEST_CASE("a slash at the end asks for a directory and does not anchor") {
        check_all({
            {"foo/\n", "foo", true, out},
            {"foo/\n", "foo", false, open},
            {"foo/\n", "a/foo", true, out},
            {"a/foo/\n", "a/foo", true, out},
            {"a/foo/\n", "b/a/foo", true, open},
            {"*.d/\n", "x.d", true, out},
            {"*.d/\n", "x.d", false, open},
            {"foo/bar/\n", "foo/barbaz", true, open},
            {"a*/\n", "ab", true, out},
            {"foo//\n", "foo", true, open},
            {"foo\\/\n", "foo", true, open},
            {"a/**/\n", "a/b/c", true, out},
            {"a/**/\n", "a/b/c", false, open},
        });
    }

    TEST_CASE("two stars match in all directories, everything inside, or zero or more directories") {
        check_all({
            {"**/foo\n", "foo", false, out},
            {"**/foo\n", "a/b/foo", false, out},
            {"**/foo/bar\n", "x/foo/bar", false, out},
            {"**/foo/bar\n", "foo/x/bar", false, open},
            {"abc/**\n", "abc/x/y", false, out},
            {"abc/**\n", "abc", true, open},
            {"a/**/b\n", "a/b", false, out},
            {"a/**/b\n", "a/x/y/b", false, out},
            {"a/**/b\n", "c/a/b", false, open},
            {"a**b\n", "x/aab", false, out},
        });
    }

    TEST_CASE("two stars after a literal start cross slashes, because git compares the literal part by itself") {
        check_all({
            {"a/b**/c\n", "a/bx/y/c", false, out},
            {"a/b**/c\n", "a/bc", false, out},
            {"a/?b**/c\n", "a/xbx/y/c", false, open},
        });
    }

    TEST_CASE("the last pattern that matches decides") {
        check_all({
            {"*.log\n!keep.log\n", "keep.log", false, in},
            {"!keep.log\n*.log\n", "keep.log", false, out},
            {"*\n!*/\n!*.c\n", "a.c", false, in},
            {"*\n!*/\n!*.c\n", "a.h", false, out},
            {"*\n!*/\n!*.c\n", "dir", true, in},
            {"/*\n!/foo\n/foo/*\n!/foo/bar\n", "foo/bar", true, in},
            {"/*\n!/foo\n/foo/*\n!/foo/bar\n", "foo/baz", true, out},
            {"a\n!!a\n", "!a", false, in},
        });
    }
}

}  // namespace submitit::walk
