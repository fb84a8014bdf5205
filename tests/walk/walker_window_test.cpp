// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "support/open_descriptors.hpp"
#include "walk/scratch_tree.hpp"
#include "walk/walked.hpp"
#include "walk/walker.hpp"

TEST_SUITE_BEGIN("walk/walker window");

namespace submitit::walk {
namespace {

walk_options with_window(std::size_t bytes) {
    walk_options options;
    options.window_bytes = bytes;
    return options;
}

/// A tree whose names are prefixes of each other and lie around '/'; gives the stored names.
std::vector<std::string> make_random_tree(scratch_tree const& tree, std::mt19937& random) {
    static constexpr std::string_view letters = "ab.-0\x02\xFE ";
    std::vector<std::string> directories{""};
    std::vector<std::string> names;
    for (int i = 0; i < 400; ++i) {
        std::string name(1 + random() % 6, '\0');
        for (auto& c : name) c = letters[random() % letters.size()];
        if (name == "." || name == "..") continue;
        auto const path = directories[random() % directories.size()] + name;
        if (std::filesystem::exists(tree.path(path))) continue;
        if (random() % 5 == 0) {
            tree.directory(path);
            directories.push_back(path + '/');
            names.push_back(path + '/');
        } else {
            tree.file(path);
            names.push_back(path);
        }
    }
    std::sort(names.begin(), names.end());
    return names;
}

using submitit::testing::open_descriptors;

}  // namespace

TEST_CASE("a window of any size gives the byte-wise order of all stored names") {
    auto const seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937 random{seed};
    for (int round = 0; round < 4; ++round) {
        scratch_tree tree;
        auto const expected = make_random_tree(tree, random);
        for (std::size_t const window : {std::size_t{0}, std::size_t{64}, std::size_t{700}, std::size_t{1} << 20U}) {
            CAPTURE(window);
            auto const all = walk_all({contents_of(tree.path(""))}, with_window(window));
            CHECK(all.notices.empty());
            REQUIRE(all.names() == expected);
        }
    }
}

TEST_CASE("a thousand levels are walked in a small window, with paths far above PATH_MAX and few descriptors") {
    constexpr std::size_t levels = 1000;
    scratch_tree tree;
    std::string const step = "m-directory";
    std::vector<std::string> expected;
    std::string path;
    auto at = tree.open();
    for (std::size_t level = 0; level < levels; ++level) {
        for (auto const* const name : {"a-before", "z-after"}) {
            unique_fd const file{::openat(at.get(), name, O_CREAT | O_WRONLY | O_CLOEXEC, 0644)};
            REQUIRE(file);
            expected.push_back(path + name);
        }
        REQUIRE(::mkdirat(at.get(), step.c_str(), 0755) == 0);
        unique_fd next{::openat(at.get(), step.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
        REQUIRE(next);
        at = std::move(next);
        path += step + '/';
        expected.push_back(path);
    }
    at.reset();
    std::sort(expected.begin(), expected.end());

    auto const before = open_descriptors();
    std::ptrdiff_t most = 0;
    auto const all = walk_all({contents_of(tree.path(""))}, with_window(4096),
                              [&](entry const&) { most = std::max(most, open_descriptors()); });
    CHECK(all.error == error_code{});
    CHECK(all.notices.empty());
    REQUIRE(all.entries.size() == expected.size());
    CHECK(all.names() == expected);
    CHECK(most - before <= 4);  // the source, one directory, the spill file, and one that is being changed for another
}

TEST_CASE("notices come in portions when a whole directory gives no entry") {
    scratch_tree tree;
    constexpr std::size_t names = 3000;
    for (std::size_t i = 0; i < names; ++i) tree.file("gone/" + std::string(100, 'n') + std::to_string(i));
    tree.file("z");
    walker walk{{contents_of(tree.path(""))}, {}};
    std::size_t told = 0;
    std::size_t most = 0;
    std::vector<std::string> entries;
    for (entry one;;) {
        auto const got = walk.next(one);
        REQUIRE(got.has_value());
        auto const notices = walk.take_notices();
        std::size_t bytes = 0;
        for (auto const& notice : notices) bytes += notice.footprint_bytes();
        told += notices.size();
        most = std::max(most, bytes);
        if (*got == walker::found::end) break;
        if (*got == walker::found::notices) continue;
        entries.push_back(one.name);
        if (one.name == "gone/") {
            REQUIRE(walk.next(one).value() == walker::found::entry);  // the directory is listed now
            std::filesystem::remove_all(tree.path("gone"));
        }
    }
    CHECK(entries == std::vector<std::string>{"gone/", "z"});
    CHECK(told == names - 1);
    CHECK(most < walk_options{}.notices_bytes_max + 1024);
}

TEST_CASE("a directory whose name is too long for any archive is not entered") {
    scratch_tree tree;
    std::string const step(250, 'd');
    std::string path;
    auto at = tree.open();
    while (path.size() <= name_bytes_max + 2 * step.size()) {
        REQUIRE(::mkdirat(at.get(), step.c_str(), 0755) == 0);
        unique_fd next{::openat(at.get(), step.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
        REQUIRE(next);
        at = std::move(next);
        path += step + '/';
    }
    at.reset();
    auto const all = walk_all({contents_of(tree.path(""))});
    CHECK(all.notices.empty());
    REQUIRE(!all.entries.empty());
    CHECK(all.entries.back().name.size() > name_bytes_max);
    CHECK(all.entries.back().name.size() <= name_bytes_max + step.size() + 1);
}

TEST_CASE("a spill file that cannot be made ends the walk with the reason") {
    scratch_tree tree;
    for (int i = 0; i < 100; ++i) tree.file("file-" + std::to_string(i));
    char const* const old = std::getenv("TMPDIR");
    std::string const before = old != nullptr ? old : "";
    auto const from = contents_of(tree.path(""));
    ::setenv("TMPDIR", tree.path("missing").c_str(), 1);
    auto const all = walk_all({from}, with_window(64));
    if (old != nullptr) {
        ::setenv("TMPDIR", before.c_str(), 1);
    } else {
        ::unsetenv("TMPDIR");
    }
    CHECK(all.entries.empty());
    CHECK(all.error == from_errno(ENOENT));
}

}  // namespace submitit::walk

TEST_SUITE_END();
