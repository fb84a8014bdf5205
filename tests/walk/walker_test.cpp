// SPDX-License-Identifier: Apache-2.0
#include "walk/walker.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <pwd.h>
#include <sys/fsuid.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <string>
#include <vector>

#include "walk/scratch_tree.hpp"
#include "walk/walked.hpp"

TEST_SUITE_BEGIN("walk/walker");

namespace submitit::walk {
namespace {

using strings = std::vector<std::string>;

std::pair<std::uint64_t, std::uint64_t> identity_of(std::string const& path) {
    struct ::stat st{};
    REQUIRE(::stat(path.c_str(), &st) == 0);
    return {st.st_dev, st.st_ino};
}

bool make_socket(std::string const& path) {
    unique_fd const fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) return false;
    path.copy(address.sun_path, path.size());
    return ::bind(fd.get(), reinterpret_cast<sockaddr const*>(&address), sizeof address) == 0;
}

/// This thread without root's right to read everything (setfsuid drops the capabilities, too). Harmless for other users.
class as_nobody {
public:
    as_nobody() : before_{::setfsuid(65534)} {}
    ~as_nobody() { ::setfsuid(static_cast<uid_t>(before_)); }
    as_nobody(as_nobody const&) = delete;
    as_nobody& operator=(as_nobody const&) = delete;
    [[nodiscard]] bool works() const { return ::geteuid() != 0 || ::setfsuid(static_cast<uid_t>(-1)) == 65534; }

private:
    int before_;
};

}  // namespace

TEST_CASE("entries come in byte-wise order of stored names, a directory before what it holds") {
    scratch_tree tree;
    for (auto const* const name : {"a/x", "a.txt", "a-b", "a0", "a/b/c", "B", "a b/y", "\xFFz", "\x01"})
        tree.file(name);
    CHECK(walk_all({contents_of(tree.path(""))}).names() ==
          strings{"\x01", "B", "a b/", "a b/y", "a-b", "a.txt", "a/", "a/b/", "a/b/c", "a/x", "a0", "\xFFz"});
}

TEST_CASE("the root directory has an entry of its own, unless it has no name") {
    scratch_tree tree;
    tree.file("project/file");
    auto const named = walk_all({source_of(tree.path("project"))});
    CHECK(named.names() == strings{"project/", "project/file"});
    CHECK(named.at("project/").path() == ".");
    CHECK(named.at("project/file").path() == "file");
    auto const unnamed = walk_all({contents_of(tree.path("project"))});
    CHECK(unnamed.names() == strings{"file"});
    CHECK(unnamed.at("file").path() == "file");
}

TEST_CASE("sources come in the order of the arguments, a file source is one entry") {
    scratch_tree tree;
    tree.file("z/one");
    tree.file("a/two");
    tree.file("file", "content");
    auto const all = walk_all({source_of(tree.path("z")), source_of(tree.path("file")), source_of(tree.path("a"))});
    CHECK(all.names() == strings{"z/", "z/one", "file", "a/", "a/two"});
    auto const& file = all.at("file");
    CHECK(file.kind == entry_kind::file);
    CHECK(file.stat.size == 7);
    unique_fd const opened{::openat(file.root->fd.get(), std::string{file.path()}.c_str(), O_RDONLY | O_CLOEXEC)};
    std::array<char, 8> text{};
    CHECK(::read(opened.get(), text.data(), text.size()) == 7);
}

TEST_CASE("every kind of file is told from every other, sockets only in a note") {
    scratch_tree tree;
    tree.directory("dir");
    tree.file("file", "12345");
    tree.link("link", "some where/else");
    tree.link("long", std::string(1000, 'x'));
    REQUIRE(::mkfifo(tree.path("fifo").c_str(), 0644) == 0);
    REQUIRE(make_socket(tree.path("sock")));
    bool const device = ::mknod(tree.path("null").c_str(), S_IFCHR | 0666, ::gnu_dev_makedev(1, 3)) == 0;
    if (!device) MESSAGE("no device: not root");

    auto const all = walk_all({contents_of(tree.path(""))});
    CHECK(all.at("dir/").kind == entry_kind::directory);
    CHECK(all.at("file").kind == entry_kind::file);
    CHECK(all.at("file").stat.size == 5);
    CHECK(all.at("link").kind == entry_kind::symlink);
    CHECK(all.at("link").link_target == "some where/else");
    CHECK(all.at("long").link_target == std::string(1000, 'x'));
    CHECK(all.at("fifo").kind == entry_kind::fifo);
    if (device) {
        CHECK(all.at("null").kind == entry_kind::char_device);
        CHECK(all.at("null").stat.rdev == ::gnu_dev_makedev(1, 3));
    }
    CHECK_FALSE(all.has("sock"));
    CHECK(all.told() == strings{"socket sock"});
    CHECK(is_note(notice_kind::socket));
}

TEST_CASE("a socket given as source is a note as well") {
    scratch_tree tree;
    REQUIRE(make_socket(tree.path("sock")));
    tree.file("file");
    auto const all = walk_all({source_of(tree.path("sock")), source_of(tree.path("file"))});
    CHECK(all.names() == strings{"file"});
    CHECK(all.told() == strings{"socket sock"});
}

TEST_CASE("the engine's own outputs stay out, with what a directory among them holds") {
    scratch_tree tree;
    tree.file("exports/old.zip");
    tree.file("keep");
    tree.file("out.zip");
    walk_options options;
    options.own_outputs = {identity_of(tree.path("exports")), identity_of(tree.path("out.zip"))};
    auto const all = walk_all({contents_of(tree.path(""))}, options);
    CHECK(all.names() == strings{"keep"});
    CHECK(all.told() == strings{"own_output exports", "own_output out.zip"});
    CHECK(walk_all({source_of(tree.path("out.zip"))}, options).told() == strings{"own_output out.zip"});
}

TEST_CASE("an unreadable directory keeps its entry, and its neighbours are not touched") {
    scratch_tree tree;
    tree.file("a/inside");
    tree.file("locked/inside");
    tree.file("unsearchable/inside");
    tree.file("z");
    REQUIRE(::chmod(tree.path("").c_str(), 0755) == 0);
    REQUIRE(::chmod(tree.path("locked").c_str(), 0) == 0);
    REQUIRE(::chmod(tree.path("unsearchable").c_str(), 0444) == 0);
    auto const from = contents_of(tree.path(""));
    walked all;
    {
        as_nobody const nobody;
        if (!nobody.works()) {
            MESSAGE("skipped: root here cannot become another user");
            return;
        }
        all = walk_all({from});
    }
    CHECK(all.names() == strings{"a/", "a/inside", "locked/", "unsearchable/", "z"});
    CHECK(all.told() == strings{"unreadable locked/", "unreadable unsearchable/inside"});
    REQUIRE(all.notices.size() == 2);
    CHECK(all.notices[0].error == from_errno(EACCES));
    CHECK(all.notices[1].error == from_errno(EACCES));
    ::chmod(tree.path("locked").c_str(), 0755);
    ::chmod(tree.path("unsearchable").c_str(), 0755);
}

TEST_CASE("a source that is gone or unreadable ends the walk and is named") {
    scratch_tree tree;
    tree.file("dir/file");
    auto const from = source_of(tree.path("dir"));
    std::filesystem::remove_all(tree.path("dir"));
    walker walk{{from}, {}};
    entry one;
    auto const more = walk.next(one);
    REQUIRE(more.has_error());
    CHECK(more.error() == from_errno(ENOENT));
    CHECK(walk.failed_source() == tree.path("dir"));
}

TEST_CASE("a file given as source that is a directory or a link by now is not stored") {
    scratch_tree tree;
    tree.file("a");
    tree.file("b");
    tree.file("c");
    std::vector<source> const from{source_of(tree.path("a")), source_of(tree.path("b")), source_of(tree.path("c"))};
    std::filesystem::remove(tree.path("a"));
    tree.directory("a");
    std::filesystem::remove(tree.path("b"));
    tree.link("b", "c");
    auto const all = walk_all(from);
    CHECK(all.names() == strings{"c"});
    CHECK(all.told() == strings{"replaced a", "replaced b"});
}

TEST_CASE("a walk that is told to stop ends early") {
    scratch_tree tree;
    for (int i = 0; i < 100; ++i) tree.file(std::to_string(100 + i));
    int left = 10;
    walk_options options;
    options.stopping = [&left] { return left-- <= 0; };
    auto const all = walk_all({contents_of(tree.path(""))}, options);
    CHECK(all.entries.size() < 10);
    CHECK_FALSE(all.error);
}

TEST_CASE("names that vanish after they were listed are told and passed over") {
    scratch_tree tree;
    for (auto const* const name : {"a", "b", "c/inside", "d/inside", "e"}) tree.file(name);
    auto const all = walk_all({contents_of(tree.path(""))}, {}, [&](entry const& seen) {
        if (seen.name == "a") std::filesystem::remove(tree.path("b"));
        if (seen.name == "a") std::filesystem::remove_all(tree.path("d"));
        if (seen.name == "c/") std::filesystem::remove_all(tree.path("c"));
    });
    CHECK(all.names() == strings{"a", "c/", "e"});
    CHECK(all.told() == strings{"vanished b", "vanished c/", "vanished d"});
}

TEST_CASE("a directory swapped for a link or for another directory is not entered") {
    scratch_tree tree;
    tree.file("outside/secret");
    tree.file("in/a/file");
    tree.file("in/b/file");
    auto const all = walk_all({contents_of(tree.path("in"))}, {}, [&](entry const& seen) {
        if (seen.name == "a/") {
            std::filesystem::rename(tree.path("in/a"), tree.path("was_a"));
            tree.link("in/a", tree.path("outside"));
        }
        if (seen.name == "b/") {
            std::filesystem::rename(tree.path("in/b"), tree.path("was_b"));
            tree.file("in/b/other");
        }
    });
    CHECK(all.names() == strings{"a/", "b/"});
    CHECK(all.told() == strings{"replaced a/", "replaced b/"});
}

TEST_CASE(
    "an ancestor moved away while its subdirectory is walked loses the rest of its names, and nothing else is read") {
    scratch_tree tree;
    tree.file("in/a/sub/file");
    tree.file("in/a/z");
    tree.file("in/b");
    auto const all = walk_all({contents_of(tree.path("in"))}, {}, [&](entry const& seen) {
        if (seen.name != "a/sub/file") return;
        std::filesystem::rename(tree.path("in/a"), tree.path("moved"));
        tree.file("in/a/z", "not the one that was listed");
    });
    CHECK(all.names() == strings{"a/", "a/sub/", "a/sub/file", "b"});
    CHECK(all.told() == strings{"vanished a/z"});
}

TEST_CASE("a directory that changed since it was found says so, and what came is taken") {
    scratch_tree tree;
    tree.file("d/a");
    auto const all = walk_all({contents_of(tree.path(""))}, {}, [&](entry const& seen) {
        if (seen.name == "d/") tree.file("d/new");
    });
    CHECK(all.names() == strings{"d/", "d/a", "d/new"});
    CHECK(all.told() == strings{"changed d/"});
}

TEST_CASE("user attributes are read where they are asked for, sorted by name, never through a link") {
    scratch_tree tree;
    tree.file("file");
    tree.directory("dir");
    tree.link("link", "file");
    auto const set = [&](char const* name, char const* key, std::string const& value) {
        return ::setxattr(tree.path(name).c_str(), key, value.data(), value.size(), 0) == 0;
    };
    if (!set("file", "user.z", "last")) {
        MESSAGE("skipped: no user attributes on this file system");
        return;
    }
    REQUIRE(set("file", "user.a", std::string("bin\0ary", 7)));
    REQUIRE(set("file", "user.long", std::string(1500, 'v')));
    REQUIRE(set("dir", "user.of.dir", ""));
    REQUIRE(set("file", "user.with=sign", "x"));

    walk_options options;
    CHECK(walk_all({contents_of(tree.path(""))}, options).at("file").xattrs.empty());
    options.xattrs = xattr_policy::user;
    auto const all = walk_all({contents_of(tree.path(""))}, options);
    auto const& read = all.at("file").xattrs;
    REQUIRE(read.size() == 3);
    CHECK(read[0].name == "user.a");
    CHECK(read[0].value == std::string("bin\0ary", 7));
    CHECK(read[1].value == std::string(1500, 'v'));
    CHECK(read[2].name == "user.z");
    REQUIRE(all.at("dir/").xattrs.size() == 1);
    CHECK(all.at("dir/").xattrs[0].name == "user.of.dir");
    CHECK(all.at("link").xattrs.empty());
    CHECK(all.told() == strings{"attribute_lost file"});
}

TEST_CASE("owner names are looked up where they are asked for; a number without a name has none") {
    scratch_tree tree;
    tree.file("mine");
    tree.file("stranger");
    bool const foreign = ::chown(tree.path("stranger").c_str(), 3'999'999, 3'999'999) == 0;
    auto const* const me = ::getpwuid(::getuid());
    std::string const my_name = me != nullptr ? me->pw_name : "";
    walk_options options;
    options.names = true;
    int seen = 0;
    static_cast<void>(walk_all({contents_of(tree.path(""))}, options, [&](entry const& one) {
        ++seen;
        if (one.name == "mine") CHECK((one.owner != nullptr ? *one.owner : "") == my_name);
        if (one.name == "stranger" && foreign) {
            CHECK(one.owner == nullptr);
            CHECK(one.group == nullptr);
        }
    }));
    CHECK(seen == 2);
    static_cast<void>(
        walk_all({contents_of(tree.path(""))}, {}, [](entry const& one) { CHECK(one.owner == nullptr); }));
}

}  // namespace submitit::walk

TEST_SUITE_END();
