// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <random>
#include <string>
#include <string_view>

#include "walk/selection.hpp"

namespace submitit::walk {
namespace {

struct glob_case {
    std::string_view pattern;
    std::string_view path;
    bool expected;
};

void check_all(std::initializer_list<glob_case> cases) {
    for (glob_case const& one : cases) {
        CAPTURE(one.pattern);
        CAPTURE(one.path);
        CHECK(glob_match(one.pattern, one.path) == one.expected);
    }
}

/// The definition, one alternative after the other: exponential, and so plainly right. No brackets, no escapes.
bool matches_by_definition(std::string_view pattern, std::string_view path, bool at_component_start = true) {
    if (pattern.empty()) return path.empty();
    if (pattern[0] == '*') {
        std::size_t const stars = std::min(pattern.find_first_not_of('*'), pattern.size());
        std::string_view const rest = pattern.substr(stars);
        bool const deep = stars >= 2 && at_component_start && (rest.empty() || rest[0] == '/');
        if (deep && rest.empty()) return true;
        if (deep && matches_by_definition(rest.substr(1), path, true)) return true;
        for (std::size_t taken = 0; taken <= path.size(); ++taken) {
            if (!deep && taken > 0 && path[taken - 1] == '/') return false;
            if (matches_by_definition(rest, path.substr(taken), false)) return true;
        }
        return false;
    }
    if (path.empty()) return false;
    bool const same = pattern[0] == '?' ? path[0] != '/' : pattern[0] == path[0];
    return same && matches_by_definition(pattern.substr(1), path.substr(1), pattern[0] == '/');
}

std::string random_text(std::mt19937_64& random, std::string_view alphabet, std::size_t bytes_max) {
    std::string text(std::uniform_int_distribution<std::size_t>{0, bytes_max}(random), '\0');
    for (char& c : text) c = alphabet[std::uniform_int_distribution<std::size_t>{0, alphabet.size() - 1}(random)];
    return text;
}

}  // namespace

TEST_SUITE("walk/glob") {
    TEST_CASE("literals, '?' and '*' match bytes of one path component") {
        check_all({
            {"foo", "foo", true},
            {"foo", "bar", false},
            {"", "", true},
            {"", "a", false},
            {"???", "foo", true},
            {"??", "foo", false},
            {"????", "foo", false},
            {"?", "\xC3\xA4", false},
            {"??", "\xC3\xA4", true},
            {"*", "foo", true},
            {"*", "", true},
            {"?", "", false},
            {"f*", "foo", true},
            {"*f", "foo", false},
            {"*foo*", "foo", true},
            {"*ob*a*r*", "foobar", true},
            {"*ab", "aaaaaab", true},
            {"*ab*", "ba", false},
            {"foo*", "foo/bar", false},
            {"foo?bar", "foo/bar", false},
            {"*", "foo/bar", false},
            {"*/bar", "foo/bar", true},
            {"*/bar", "x/foo/bar", false},
            {"foo/*", "foo/", true},
            {"foo/*", "foo", false},
            {"FOO", "foo", false},
            {"*.c", ".c", true},
        });
    }

    TEST_CASE("a backslash makes the next byte plain, and a lone one at the end matches nothing") {
        check_all({
            {"foo\\*", "foo*", true},
            {"foo\\*", "foobar", false},
            {"f\\\\oo", "f\\oo", true},
            {"\\a\\b", "ab", true},
            {"foo\\", "foo", false},
            {"foo\\", "foo\\", false},
            {"*\\", "foo\\", false},
            {"\\[ab]", "[ab]", true},
            {"\\?", "a", false},
            {"foo\\/bar", "foo/bar", true},
        });
    }

    TEST_CASE("brackets hold characters, ranges, escapes and negations, and never a slash") {
        check_all({
            {"[ten]", "t", true},
            {"[ten]", "x", false},
            {"t[a-g]n", "ten", true},
            {"t[!a-g]n", "ten", false},
            {"t[!a-g]n", "ton", true},
            {"t[^a-g]n", "ton", true},
            {"a[]]b", "a]b", true},
            {"a[]-]b", "a-b", true},
            {"a[]-]b", "a]b", true},
            {"a[]-]b", "aab", false},
            {"a[]a-]b", "aab", true},
            {"[!]a-]", "b", true},
            {"[!]a-]", "]", false},
            {"[\\]]", "]", true},
            {"[\\\\]", "\\", true},
            {"[!\\\\]", "\\", false},
            {"[a-\\z]", "q", true},
            {"[\\--\\/]", "-", true},
            {"[--0]", ".", true},
            {"[a-]", "-", true},
            {"[-a]", "-", true},
            {"[z-a]", "m", false},
            {"[a-c-e]", "d", false},
            {"[a-c-e]", "-", true},
            {"[,-.]", "-", true},
            {"[^-a]", "-", false},
            {"[*]", "*", true},
            {"[*]", "a", false},
            {"foo[/]bar", "foo/bar", false},
            {"foo[!x]bar", "foo/bar", false},
            {"f[^eiu][^eiu]r", "foor", true},
            {"f[^e]o", "f/o", false},
            {"[\xC3]\xA4", "\xC3\xA4", true},
            {"[\x80-\xFF]", "\xC3", true},
        });
    }

    TEST_CASE("a malformed bracket makes the pattern match nothing") {
        check_all({
            {"[", "[", false},
            {"[a", "a", false},
            {"[a", "[a", false},
            {"[]", "]", false},
            {"[]", "[]", false},
            {"[!", "[!", false},
            {"[!]", "a", false},
            {"[-", "[-", false},
            {"[a\\]", "a", false},
            {"[[:foo:]]", "f", false},
            {"[[:alpha:", "a", false},
            {"[[::]]", ":", false},
            {"*[", "a[", false},
            {"[\\", "\\", false},
        });
    }

    TEST_CASE("a class is named between [: and :], and anything else there is a plain set") {
        check_all({
            {"[[:alpha:]][[:digit:]][[:upper:]]", "a1B", true},
            {"[[:alpha:]][[:digit:]][[:upper:]]", "a1b", false},
            {"[[:digit:][:upper:][:space:]]", " ", true},
            {"[[:digit:][:upper:][:space:]]", ".", false},
            {"[^[:alnum:][:punct:]]", "\x01", true},
            {"[[:xdigit:]]", "f", true},
            {"[[:xdigit:]]", "g", false},
            {"[a-c[:digit:]x-z]", "5", true},
            {"[a-c[:digit:]x-z]", "y", true},
            {"[a-c[:digit:]x-z]", "q", false},
            {"[[:digit:]-z]", "-", true},
            {"[[:digit:]-z]", "q", false},
            {"[[:]", ":", true},
            {"[[:]", "[", true},
            {"[[:a]", "a", true},
            {"[[:alpha:]-]", "-", true},
            {"[:alpha:]", "p", true},
            {"[:alpha:]", "b", false},
        });
    }

    TEST_CASE("two stars alone between slashes or at an end cross directories, elsewhere they are one star") {
        check_all({
            {"**", "foo/baz/bar", true},
            {"**/foo", "foo", true},
            {"**/foo", "a/b/foo", true},
            {"**/foo", "a/xfoo", false},
            {"foo/**", "foo/a/b", true},
            {"foo/**", "foo", false},
            {"foo/**/bar", "foo/bar", true},
            {"foo/**/bar", "foo/a/b/bar", true},
            {"foo/**/bar", "foobar", false},
            {"foo/**/**/bar", "foo/b/a/z/bar", true},
            {"foo/**/**/bar", "foo/bar", true},
            {"foo**bar", "foo/baz/bar", false},
            {"foo**bar", "foobazbar", true},
            {"foo/**bar", "foo/a/bar", false},
            {"foo/**bar", "foo/abar", true},
            {"foo**/bar", "foo/a/bar", false},
            {"***/foo", "a/b/foo", true},
            {"**/bar*", "deep/foo/bar/baz", false},
            {"**/bar/*", "deep/foo/bar/baz", true},
            {"**/bar/*", "deep/foo/bar", false},
            {"**/bar/*/*", "deep/foo/bar/baz/x", true},
            {"**/bar/**", "deep/foo/bar/baz/", true},
            {"*/bar/**", "foo/bar/baz/x", true},
            {"*/bar/**", "deep/foo/bar/baz/x", false},
            {"**/*a*b*g*n*t", "abcd/abcdefg/abcdefghijk/abcdefghijklmnop.txt", true},
            {"**/*a*b*g*n*t", "abcd/abcdefg/abcdefghijk/abcdefghijklmnop.txtz", false},
            {"a/**\\/b", "a/x/b", true},
            {"a/**\\/b", "a/b", false},
            {"**/a/*/b/**/c", "x/a/a/y/b/z/z/c", true},
            {"-*-*-*/*", "-a-b-c/d", true},
        });
    }

    TEST_CASE("every pattern of stars, '?' and slashes agrees with the definition") {
        constexpr std::uint64_t seed = 20240711;
        MESSAGE("seed " << seed);
        std::mt19937_64 random{seed};
        std::size_t matched = 0;
        for (int round = 0; round < 200'000; ++round) {
            std::string const pattern = random_text(random, "aab/**?", 10);
            std::string const path = random_text(random, "aaab/", 8);
            bool const expected = matches_by_definition(pattern, path);
            matched += expected ? 1 : 0;
            if (glob_match(pattern, path) == expected) continue;
            CAPTURE(pattern);
            CAPTURE(path);
            CHECK(glob_match(pattern, path) == expected);
        }
        CHECK(matched > 2'000);
    }

    TEST_CASE("many stars on a long path cost no exponential time") {
        std::string pattern;
        for (int i = 0; i < 200; ++i) pattern += "*a";
        std::string const name(4000, 'a');
        CHECK_FALSE(glob_match(pattern + "*b", name));
        CHECK(glob_match(pattern + "*a", name));

        std::string deep_pattern;
        std::string deep_path;
        for (int i = 0; i < 100; ++i) deep_pattern += "**/*a*/";
        for (int i = 0; i < 1000; ++i) deep_path += "aa/";
        CHECK_FALSE(glob_match(deep_pattern + "b", deep_path + "a"));
        CHECK(glob_match(deep_pattern + "b", deep_path + "b"));
    }
}

}  // namespace submitit::walk
