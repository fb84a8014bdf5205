// SPDX-License-Identifier: Apache-2.0
#include "walk/source.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "walk/scratch_tree.hpp"

TEST_SUITE_BEGIN("walk/source");

namespace submitit::walk {
namespace {

source resolved(source_request const& request) {
    CAPTURE(request.given);
    auto const found = resolve_source(request);
    REQUIRE(found.has_value());
    return *found;
}

struct fixture {
    fixture() {
        tree.file("project/src/main.cpp", "int main() {}\n");
        tree.link("current", "project");
        tree.link("latest.cpp", "project/src/main.cpp");
    }

    [[nodiscard]] std::string name_of(std::string const& given) const {
        return resolved({.given = given, .directory = tree.path("")}).name;
    }

    [[nodiscard]] std::string prefixed(std::string const& given, std::string const& prefix, bool only = true,
                                       bool keep_path = false) const {
        return resolved({.given = given,
                         .directory = tree.path(""),
                         .keep_path = keep_path,
                         .prefix = &prefix,
                         .only_source = only})
            .name;
    }

    [[nodiscard]] std::string kept(std::string const& given) const {
        return resolved({.given = given, .directory = tree.path(""), .keep_path = true}).name;
    }

    scratch_tree tree;
};

}  // namespace

TEST_CASE_FIXTURE(fixture, "the stored name is the base name of the real path") {
    CHECK(name_of("project") == "project");
    CHECK(name_of("project/") == "project");
    CHECK(name_of("project///") == "project");
    CHECK(name_of("./project/.") == "project");
    CHECK(name_of("project/src/..") == "project");
    CHECK(name_of("project/src") == "src");
    CHECK(name_of("project/src/main.cpp") == "main.cpp");
    CHECK(resolved({.given = ".", .directory = tree.path("project")}).name == "project");
    CHECK(resolved({.given = "..", .directory = tree.path("project/src")}).name == "project");
    CHECK(resolved({.given = "/"}).name == "root");
}

TEST_CASE_FIXTURE(fixture, "a symlink given as source is followed and keeps the name given") {
    auto const directory = resolved({.given = "current", .directory = tree.path("")});
    CHECK(directory.name == "current");
    CHECK(directory.real_path == tree.path("project"));
    CHECK(directory.is_directory);
    CHECK(name_of("current/") == "current");
    CHECK(name_of("current/.") == "project");
    CHECK(name_of("current/src") == "src");

    auto const file = resolved({.given = "latest.cpp", .directory = tree.path("")});
    CHECK(file.name == "latest.cpp");
    CHECK(file.real_path == tree.path("project/src/main.cpp"));
    CHECK_FALSE(file.is_directory);
}

TEST_CASE_FIXTURE(fixture, "absolute arguments ignore -C, and the argument is kept for messages") {
    auto const found = resolved({.given = tree.path("project") + '/', .directory = "/nowhere"});
    CHECK(found.name == "project");
    CHECK(found.given == tree.path("project") + '/');
    CHECK(found.real_path == tree.path("project"));
}

TEST_CASE_FIXTURE(fixture, "--prefix replaces the name of one directory and goes before every other") {
    CHECK(prefixed("project", "release-1") == "release-1");
    CHECK(prefixed("project", "a/b/") == "a/b");
    CHECK(prefixed("project", "") == "");
    CHECK(prefixed("project", "./") == "");
    CHECK(prefixed("project/src/main.cpp", "p") == "p/main.cpp");
    CHECK(prefixed("project/src/main.cpp", "") == "main.cpp");
    CHECK(prefixed("project", "p", false) == "p/project");
    CHECK(prefixed("project", "", false) == "project");
}

TEST_CASE_FIXTURE(fixture, "a prefix cannot lead out of the archive") {
    CHECK(prefixed("project", "/abs") == "abs");
    CHECK(prefixed("project", "../up") == "up");
    CHECK(prefixed("project", "a/../../b") == "b");
    CHECK(prefixed("project", "..") == "");
}

TEST_CASE_FIXTURE(fixture, "a line of --files-from is stored under the path it says, cleaned as tar does") {
    CHECK(kept("project/src/main.cpp") == "project/src/main.cpp");
    CHECK(kept("./project//src/./main.cpp") == "project/src/main.cpp");
    CHECK(kept("project/src/") == "project/src");
    CHECK(kept("project/src/../src/main.cpp") == "src/main.cpp");
    CHECK(kept("project/../project/src") == "project/src");
    CHECK(kept(tree.path("project/src")) == tree.path("project/src").substr(1));
    CHECK(kept("project/src/..") == "project");  // nothing is left of it: the real name
    CHECK(kept("latest.cpp") == "latest.cpp");
    CHECK(kept("current/src") == "current/src");
    CHECK(prefixed("project/src", "p", true, true) == "p/project/src");
}

TEST_CASE_FIXTURE(fixture, "what cannot be a source is refused with the system's reason") {
    auto const reason = [this](std::string const& given) {
        auto const found = resolve_source({.given = given, .directory = tree.path("")});
        CAPTURE(given);
        REQUIRE(found.has_error());
        return found.error();
    };
    tree.link("dangling", "gone");
    tree.link("loop", "loop");
    CHECK(reason("") == from_errno(EINVAL));
    CHECK(reason("-") == from_errno(EINVAL));
    CHECK(reason(std::string{"a\0b", 3}) == from_errno(EINVAL));
    CHECK(reason("missing") == from_errno(ENOENT));
    CHECK(reason("dangling") == from_errno(ENOENT));
    CHECK(reason("loop") == from_errno(ELOOP));
    CHECK(reason("latest.cpp/x") == from_errno(ENOTDIR));
}

TEST_CASE_FIXTURE(fixture, "a directory is read beneath itself, a file beneath the root of the file system") {
    auto const inode = [](int fd) {
        struct ::stat st{};
        REQUIRE(::fstat(fd, &st) == 0);
        return st.st_ino;
    };
    auto const directory = open_root(resolved({.given = tree.path("project")}));
    REQUIRE(directory.has_value());
    CHECK(inode((*directory)->fd.get()) == inode(tree.open("project").get()));
    auto const file = open_root(resolved({.given = tree.path("latest.cpp")}));
    REQUIRE(file.has_value());
    unique_fd const slash{::open("/", O_PATH | O_DIRECTORY)};
    CHECK(inode((*file)->fd.get()) == inode(slash.get()));
}

}  // namespace submitit::walk

TEST_SUITE_END();
