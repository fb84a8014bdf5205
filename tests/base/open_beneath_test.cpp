// SPDX-License-Identifier: Apache-2.0
#include "base/open_beneath.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <string>

#include "support/filtered_child.hpp"
#include "walk/scratch_tree.hpp"

TEST_SUITE_BEGIN("base/open_beneath");

namespace submitit {
namespace {

/// What the file holds, or "errno N".
std::string content(unique_fd const& root, std::string_view path, beneath_options options = {}) {
    auto const opened = open_beneath(root.get(), path, O_RDONLY, options);
    if (!opened) return "errno " + std::to_string(opened.error().value());
    std::array<char, 64> text{};
    auto const n = ::read(opened->get(), text.data(), text.size());
    return n < 0 ? "errno " + std::to_string(errno) : std::string{text.data(), static_cast<std::size_t>(n)};
}

std::string refused(int error) { return "errno " + std::to_string(error); }

/// Directories named by `name`, one in the other, and a file "end" in the innermost. Gives its path.
std::string make_deep(unique_fd const& root, std::string const& name, std::size_t levels) {
    unique_fd at{::dup(root.get())};
    std::string path;
    for (std::size_t level = 0; level < levels; ++level) {
        REQUIRE(::mkdirat(at.get(), name.c_str(), 0755) == 0);
        at.reset(::openat(at.get(), name.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
        REQUIRE(at);
        path += name + '/';
    }
    unique_fd const file{::openat(at.get(), "end", O_CREAT | O_WRONLY | O_CLOEXEC, 0644)};
    REQUIRE(::write(file.get(), "deep", 4) == 4);
    return path + "end";
}

struct fixture {
    fixture() {
        tree.file("inside/top", "top");
        tree.file("inside/a/b/leaf", "leaf");
        tree.file("outside", "outside");
        tree.link("inside/to_top", "top");
        tree.link("inside/a/to_b", "b");
        tree.link("inside/a/out", "../../outside");
        tree.link("inside/absolute", "/etc/passwd");
        tree.link("inside/loop", "loop");
        root = tree.open("inside");
    }
    walk::scratch_tree tree;
    unique_fd root;
};

}  // namespace

TEST_CASE_FIXTURE(fixture, "paths below the root open, the empty path and '.' are the root itself") {
    CHECK(content(root, "top") == "top");
    CHECK(content(root, "a/b/leaf") == "leaf");
    for (auto const* const self : {"", "."}) {
        auto const opened = open_beneath(root.get(), self, O_PATH | O_DIRECTORY);
        REQUIRE(opened.has_value());
        struct ::stat expected{};
        struct ::stat found{};
        REQUIRE(::fstat(root.get(), &expected) == 0);
        REQUIRE(::fstat(opened->get(), &found) == 0);
        CHECK(found.st_ino == expected.st_ino);
    }
    CHECK(content(root, "missing") == refused(ENOENT));
    CHECK(content(root, "top/below") == refused(ENOTDIR));
}

TEST_CASE_FIXTURE(fixture, "descriptors are closed on exec") {
    auto const opened = open_beneath(root.get(), "top", O_RDONLY);
    REQUIRE(opened.has_value());
    CHECK((::fcntl(opened->get(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE_FIXTURE(fixture, "no component may be a symlink, the last one included") {
    CHECK(content(root, "to_top") == refused(ELOOP));
    CHECK(content(root, "a/to_b/leaf") == refused(ELOOP));
    CHECK(content(root, "absolute") == refused(ELOOP));
}

TEST_CASE_FIXTURE(fixture, "followed links stay beneath the root") {
    beneath_options const follow{.follow_links = true};
    CHECK(content(root, "to_top", follow) == "top");
    CHECK(content(root, "a/to_b/leaf", follow) == "leaf");
    CHECK(content(root, "a/out", follow) == refused(EXDEV));
    CHECK(content(root, "absolute", follow) == refused(EXDEV));
    CHECK(content(root, "loop", follow) == refused(ELOOP));
}

TEST_CASE_FIXTURE(fixture, "neither '..' nor a leading slash leads out") {
    CHECK(content(root, "../outside") == refused(EXDEV));
    CHECK(content(root, "a/../../outside") == refused(EXDEV));
    CHECK(content(root, tree.path("outside")) == refused(EXDEV));
    CHECK(content(root, "/etc/passwd") == refused(EXDEV));
}

TEST_CASE("paths around and far above PATH_MAX open all the same") {
    walk::scratch_tree tree;
    auto const root = tree.open();
    std::string const name(99, 'n');
    // 40 levels and "end" are 4,003 bytes; each further byte crosses PATH_MAX (4,096 with the NUL) at another place.
    for (std::size_t const extra : {0U, 90U, 91U, 92U, 93U, 94U, 95U, 96U, 97U, 98U}) {
        CAPTURE(extra);
        auto const first = "d" + std::string(extra, 'x');
        tree.directory(first);
        unique_fd const below{::openat(root.get(), first.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
        auto const path = first + '/' + make_deep(below, name, 40);
        CHECK(content(root, path) == "deep");
    }
    tree.directory("far");
    unique_fd const far{::openat(root.get(), "far", O_PATH | O_DIRECTORY | O_CLOEXEC)};
    auto const path = make_deep(far, name, 200);
    REQUIRE(path.size() > 4 * PATH_MAX);
    CHECK(content(far, path) == "deep");
    CHECK(content(far, path + "missing") == refused(ENOENT));
    CHECK(content(root, std::string(2 * PATH_MAX, 'x')) == refused(ENAMETOOLONG));
}

TEST_CASE("a symlink in the middle of a path above PATH_MAX is refused") {
    walk::scratch_tree tree;
    auto const root = tree.open();
    std::string const name(99, 'n');
    tree.directory("real");
    unique_fd const real{::openat(root.get(), "real", O_PATH | O_DIRECTORY | O_CLOEXEC)};
    auto const path = make_deep(real, name, 60);
    tree.link("link", "real");
    CHECK(content(root, "real/" + path) == "deep");
    CHECK(content(root, "link/" + path) == refused(ELOOP));
}

TEST_CASE_FIXTURE(fixture, "without openat2 the same paths open and the same are refused") {
    for (int const error : {ENOSYS, EPERM}) {
        CAPTURE(error);
        auto const status = testing::status_of_child_without({SYS_openat2, error}, [this] {
            int step = 1;  // the first claim that does not hold
            for (bool const holds :
                 {content(root, "top") == "top", content(root, "a/b/leaf") == "leaf",
                  content(root, "missing") == refused(ENOENT), content(root, "top/below") == refused(ENOTDIR),
                  content(root, "to_top") == refused(ELOOP), content(root, "a/to_b/leaf") == refused(ELOOP),
                  content(root, "../outside") == refused(EXDEV),
                  content(root, "top", {.cached_only = true}) == refused(EAGAIN)}) {
                if (!holds) return step;
                ++step;
            }
            return 0;
        });
        if (status == testing::no_filter_here) {
            MESSAGE("skipped: no seccomp filter can be set here");
            continue;
        }
        CHECK(status == 0);
    }
}

}  // namespace submitit

TEST_SUITE_END();
