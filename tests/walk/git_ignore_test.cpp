// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "scratch_tree.hpp"
#include "walk/ignore_file.hpp"
#include "walk/selection.hpp"

/// The real git is asked about random trees, and must agree on every path.
namespace submitit::walk {
namespace {

namespace fs = std::filesystem;

/// Keeps git away from any configuration of the machine.
bool git_is_usable() {
    static bool const usable = [] {
        for (char const* name : {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR"}) ::unsetenv(name);
        for (char const* name : {"HOME", "XDG_CONFIG_HOME", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"})
            ::setenv(name, "/dev/null", 1);
        return std::system("git --version >/dev/null 2>&1") == 0;
    }();
    if (!usable) MESSAGE("skipped: git is not installed");
    return usable;
}

std::string read_all(std::string const& path) {
    std::ifstream in{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
}

std::vector<std::string> split_at_nul(std::string_view text) {
    std::vector<std::string> parts;
    while (!text.empty()) {
        std::size_t const end = text.find('\0');
        parts.emplace_back(text.substr(0, end));
        text.remove_prefix(end + 1);
    }
    return parts;
}

std::string shell_word(std::string_view text) {
    std::string out = "'";
    for (char const c : text) out += c == '\'' ? std::string{"'\\''"} : std::string{c};
    return out + "'";
}

/// Runs git in the repository, its streams being files of `io`; gives what it printed.
std::string run_git(std::string const& repository, scratch_tree const& io, std::string const& arguments) {
    std::string const command = "git -C " + shell_word(repository) + " " + arguments + " <" +
                                shell_word(io.path("in")) + " >" + shell_word(io.path("out")) + " 2>" +
                                shell_word(io.path("err"));
    int const status = std::system(command.c_str());
    CAPTURE(command);
    CAPTURE(read_all(io.path("err")));
    REQUIRE((status == 0 || status == 1 << 8));
    return read_all(io.path("out"));
}

/// What `git check-ignore --no-index` says of each path.
std::map<std::string, bool> ignored_by_git(std::string const& repository, std::vector<std::string> const& paths) {
    scratch_tree io;
    std::string input;
    for (std::string const& path : paths) input += "./" + path + '\0';  // a ':' at the start would be pathspec magic
    io.file("in", input);
    auto const fields = split_at_nul(run_git(repository, io, "check-ignore --no-index --stdin -z -v -n"));
    REQUIRE(fields.size() == 4 * paths.size());
    std::map<std::string, bool> answers;
    for (std::size_t i = 0; i < fields.size(); i += 4)  // source, line, pattern, path
        answers[fields[i + 3].substr(2)] = !fields[i].empty() && !fields[i + 2].starts_with('!');
    return answers;
}

/// What the selection says of each path below `relative`, the walker's way: not asked below an excluded directory.
class selection_walk {
public:
    selection_walk(selection_options options, scratch_tree const& tree) : chosen_{std::move(options)}, tree_{tree} {}

    std::map<std::string, bool> run(std::string const& source) {
        REQUIRE(chosen_.enter_root(tree_.open(source).get(), tree_.path(source)));
        visit(source, false);
        chosen_.leave();
        CHECK(chosen_.pattern_bytes() == 0);
        return std::move(ignored_);
    }

private:
    void visit(std::string const& directory, bool already_out) {
        for (fs::directory_entry const& found : fs::directory_iterator{tree_.path(directory)}) {
            std::string const name = found.path().filename().string();
            std::string const path = directory.empty() ? name : directory + '/' + name;
            if (path == ".git") continue;
            bool const is_directory = found.symlink_status().type() == fs::file_type::directory;
            bool const out = already_out || chosen_.excluded(name, is_directory);
            ignored_[path] = out;
            if (!is_directory) continue;
            if (!out) REQUIRE(chosen_.enter(tree_.open(path).get(), name));
            visit(path, out);
            if (!out) chosen_.leave();
        }
    }

    selection chosen_;
    scratch_tree const& tree_;
    std::map<std::string, bool> ignored_;
};

/// Trees and patterns that meet often: few names, and patterns made of their pieces.
class random_project {
public:
    explicit random_project(std::uint64_t seed) : random_{seed} {}

    void fill(scratch_tree const& tree, std::string const& directory, int depth_left) {
        for (std::size_t i = 0, count = 2 + below(5); i < count; ++i) {
            std::string const path = (directory.empty() ? "" : directory + '/') + std::string{one_of(names)};
            if (fs::symlink_status(tree.path(path)).type() != fs::file_type::not_found) continue;
            if (below(12) == 0) {
                tree.link(path, ".");
            } else if (depth_left > 0 && below(5) < 3) {
                tree.directory(path);
                directories_.push_back(path);
                fill(tree, path, depth_left - 1);
            } else {
                tree.file(path);
            }
        }
        if (directory.empty() || below(3) == 0)
            tree.file((directory.empty() ? "" : directory + '/') + ".gitignore", pattern_file());
    }

    std::string pattern_file() {
        std::string file = below(8) == 0 ? "\xEF\xBB\xBF" : "";
        for (std::size_t i = 0, count = 1 + below(6); i < count; ++i) {
            if (i > 0) file += below(4) == 0 ? "\r\n" : "\n";
            file += line();
        }
        return file + (below(3) == 0 ? "" : "\n");
    }

    std::string line() {
        std::string text = below(4) == 0 ? "!" : below(12) == 0 ? "/" : "";
        text += pattern();
        static constexpr std::string_view ends[] = {"", "", "", "", "/", "/", " ", "  ", "\\ ", "\t", "\r"};
        return text + std::string{one_of(ends)};
    }

    std::string pattern() {
        static constexpr std::string_view pieces[] = {
            "a",     "b",      "ab",          "c",    "*",    "*",    "**",    "?",         "/",           "/",
            "/**/",  "**/",    "/**",         "[ab]", "[!a]", "[^b]", "[a-c]", "[]a]",      "[[:alpha:]]", "[[:x]",
            "\\a",   "\\*",    "[",           "]",    "\\",   " ",    "#",     "!",         ".c",          "*.c",
            "[!a-b", "[\\]a]", "[[:punct:]]", "[a-",  "-",    "\\/",  "***",   "[[:bad:]]", "[--b]"};
        std::string text;
        if (below(3) > 0) text += one_of(names);
        for (std::size_t i = 0, count = below(4); i < count; ++i) text += one_of(pieces);
        if (below(3) == 0) text += std::string{"/"} + std::string{one_of(names)};
        return text;
    }

    [[nodiscard]] std::string any_directory() {
        return directories_.empty() ? std::string{} : directories_[below(directories_.size())];
    }

    std::size_t below(std::size_t bound) { return std::uniform_int_distribution<std::size_t>{0, bound - 1}(random_); }

private:
    static constexpr std::string_view names[] = {"a",
                                                 "b",
                                                 "ab",
                                                 "ba",
                                                 "abc",
                                                 "a.c",
                                                 "b.c",
                                                 ".c",
                                                 "a b",
                                                 "a ",
                                                 "#a",
                                                 "!a",
                                                 "*",
                                                 "[ab]",
                                                 "]",
                                                 "\\a",
                                                 "-",
                                                 "\xC3\xA4",
                                                 "\xE4"
                                                 "b",
                                                 "a\r"};

    template <std::size_t Count>
    std::string_view one_of(std::string_view const (&from)[Count]) {
        return from[below(Count)];
    }

    std::mt19937_64 random_;
    std::vector<std::string> directories_;
};

std::vector<std::string> keys(std::map<std::string, bool> const& answers) {
    std::vector<std::string> paths;
    for (auto const& [path, unused] : answers) paths.push_back(path);
    return paths;
}

std::size_t differences(std::map<std::string, bool> const& ours, std::map<std::string, bool> const& theirs) {
    std::size_t count = 0;
    for (auto const& [path, ignored] : ours) {
        if (theirs.at(path) == ignored) continue;
        ++count;
        MESSAGE("differs: " << path << (ignored ? " is left out, git keeps it" : " is kept, git leaves it out"));
    }
    return count;
}

}  // namespace

TEST_SUITE("walk/git_ignore") {
    TEST_CASE("--gitignore gives the answers of git check-ignore for every path of random trees") {
        if (!git_is_usable()) return;
        std::size_t compared = 0;
        std::size_t ignored = 0;
        for (std::uint64_t seed = 1; seed <= 60; ++seed) {
            CAPTURE(seed);
            scratch_tree tree;
            random_project project{seed};
            tree.repository();
            project.fill(tree, "", 4);
            if (project.below(2) == 0) tree.file(".git/info/exclude", project.pattern_file());
            std::string const inner = project.any_directory();
            if (project.below(3) == 0) tree.repository(project.any_directory() + "/nested");
            selection_options options;
            options.gitignore = true;
            auto const ours = selection_walk{options, tree}.run("");
            auto const theirs = ignored_by_git(tree.path(""), keys(ours));
            CHECK(differences(ours, theirs) == 0);
            CHECK(differences(selection_walk{options, tree}.run(inner), theirs) == 0);
            compared += ours.size();
            for (auto const& [path, out] : ours) ignored += out ? 1 : 0;
        }
        MESSAGE("seeds 1-60: " << compared << " paths compared, " << ignored << " of them ignored");
        CHECK(compared > 5'000);
        CHECK(ignored > compared / 10);
        CHECK(ignored < compared * 9 / 10);
    }

    TEST_CASE("rules, .gitignore and info/exclude together choose the files git ls-files lists") {
        if (!git_is_usable()) return;
        std::size_t kept = 0;
        for (std::uint64_t seed = 1001; seed <= 1050; ++seed) {
            CAPTURE(seed);
            scratch_tree tree;
            random_project project{seed};
            tree.repository();
            project.fill(tree, "", 3);
            tree.file(".git/info/exclude", project.pattern_file());
            selection_options options;
            options.gitignore = true;
            std::string arguments = "ls-files -z --others --exclude-per-directory=.gitignore -X .git/info/exclude";
            for (std::size_t i = 0, count = 1 + project.below(4); i < count; ++i) {
                selection_rule const rule{project.below(2) == 0, project.pattern()};
                options.rules.push_back(rule);
                arguments += " -x " + shell_word(std::string{rule.include ? "!" : ""}.append(rule.pattern));
            }
            std::set<std::string> ours;
            for (auto const& [path, out] : selection_walk{options, tree}.run(""))
                if (!out && fs::symlink_status(tree.path(path)).type() != fs::file_type::directory) ours.insert(path);
            scratch_tree io;
            io.file("in");
            auto const listed = split_at_nul(run_git(tree.path(""), io, arguments));
            CAPTURE(arguments);
            CHECK(ours == std::set<std::string>{listed.begin(), listed.end()});
            kept += ours.size();
        }
        MESSAGE("seeds 1001-1050: " << kept << " files kept");
        CHECK(kept > 500);
    }

    TEST_CASE("single patterns, classes and odd bytes included, match the names git matches") {
        if (!git_is_usable()) return;
        std::vector<std::string> names;
        for (int c = 1; c < 256; ++c)
            if (c != '/' && c != '.') names.emplace_back(1, static_cast<char>(c));
        scratch_tree tree;
        tree.repository();
        for (std::string_view const pattern :
             {"[[:alnum:]]",  "[[:alpha:]]", "[[:blank:]]", "[[:cntrl:]]",   "[[:digit:]]",   "[[:graph:]]",
              "[[:lower:]]",  "[[:print:]]", "[[:punct:]]", "[[:space:]]",   "[[:upper:]]",   "[[:xdigit:]]",
              "[^[:print:]]", "[\x80-\xFE]", "[!-~]",       "[a-[:digit:]]", "[[:digit:]-z]", "[]-a]",
              "[!]-a]",       "[[:]",        "[[:a]",       "[:alpha:]",     "[\\a-\\f]",     "?",
              "[Z-A]",        "[a-",         "[a-]",        "[-a]",          "[*-?]",         "[a-c-e]",
              "[[-]]",        "[!!]",        "[!^]",        "[^^]",          "[[]",           "[\\[-\\]]"}) {
            CAPTURE(pattern);
            tree.file(".gitignore", pattern);
            pattern_list const list = pattern_list::of_file(pattern);
            std::map<std::string, bool> ours;
            for (std::string const& name : names) ours[name] = list.match(name, 0, false) == verdict::excluded;
            CHECK(differences(ours, ignored_by_git(tree.path(""), names)) == 0);
        }
    }
}

}  // namespace submitit::walk
