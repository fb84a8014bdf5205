// SPDX-License-Identifier: Apache-2.0
#include "publish/file_sink.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include "support/filtered_child.hpp"
#include "walk/scratch_tree.hpp"

TEST_SUITE_BEGIN("publish/file_sink");

namespace submitit::publish {
namespace {

using names = std::set<std::string>;

std::span<std::byte const> bytes_of(std::string_view text) {
    return std::as_bytes(std::span{text.data(), text.size()});
}

std::string content(std::string const& path) {
    std::ifstream in{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
}

mode_t mode_of(std::string const& path) {
    struct ::stat st{};
    REQUIRE(::lstat(path.c_str(), &st) == 0);
    return st.st_mode & 07777U;
}

class umask_is {
public:
    explicit umask_is(mode_t mask) : before_{::umask(mask)} {}
    ~umask_is() { ::umask(before_); }
    umask_is(umask_is const&) = delete;
    umask_is& operator=(umask_is const&) = delete;

private:
    mode_t before_;
};

struct fixture {
    [[nodiscard]] names left() const {
        names all;
        for (auto const& found : std::filesystem::directory_iterator{tree.path("")})
            all.insert(found.path().filename().string());
        return all;
    }

    [[nodiscard]] std::unique_ptr<file_sink> open(std::string const& name, bool replace = true) const {
        auto opened = file_sink::open({.path = tree.path(name), .replace = replace});
        REQUIRE(opened.has_value());
        return std::move(*opened);
    }

    [[nodiscard]] error_code refusal(file_options options) const {
        auto const opened = file_sink::open(std::move(options));
        REQUIRE(opened.has_error());
        return opened.error();
    }

    /// Names the sink and gives out-2, out-3, ... when that is taken.
    [[nodiscard]] std::unique_ptr<file_sink> open_numbered() const {
        auto opened =
            file_sink::open({.path = tree.path("out"), .replace = false, .next_name = [this](unsigned number) {
                                 return tree.path("out-" + std::to_string(number));
                             }});
        REQUIRE(opened.has_value());
        return std::move(*opened);
    }

    walk::scratch_tree tree;
};

}  // namespace

TEST_CASE_FIXTURE(fixture, "a new file appears whole at commit, with 0666 less the umask") {
    for (auto const& [mask, mode] :
         {std::pair{mode_t{022}, mode_t{0644}}, {mode_t{027}, mode_t{0640}}, {mode_t{0}, mode_t{0666}}}) {
        umask_is const now{mask};
        auto sink = open("out");
        CHECK(sink->seekable());
        REQUIRE(sink->write(bytes_of("hello ")));
        REQUIRE(sink->write(bytes_of("world")));
        CHECK(left() == names{});
        REQUIRE(sink->commit());
        CHECK(left() == names{"out"});
        CHECK(content(tree.path("out")) == "hello world");
        CHECK(mode_of(tree.path("out")) == mode);
        CHECK(sink->path() == tree.path("out"));
        std::filesystem::remove(tree.path("out"));
    }
}

TEST_CASE_FIXTURE(fixture, "a sink that is destroyed before commit leaves nothing, and the old file as it was") {
    tree.file("old", "before");
    for (auto const* const name : {"new", "old"}) {
        auto sink = open(name);
        REQUIRE(sink->write(bytes_of(std::string(100'000, 'x'))));
        sink.reset();
    }
    CHECK(left() == names{"old"});
    CHECK(content(tree.path("old")) == "before");
}

TEST_CASE_FIXTURE(fixture, "a replaced file keeps its mode, and its readers keep what they opened") {
    tree.file("out", "before");
    REQUIRE(::chmod(tree.path("out").c_str(), 0600) == 0);
    std::ifstream reader{tree.path("out")};
    auto sink = open("out");
    REQUIRE(sink->write(bytes_of("after")));
    CHECK(content(tree.path("out")) == "before");
    REQUIRE(sink->commit());
    CHECK(content(tree.path("out")) == "after");
    CHECK(mode_of(tree.path("out")) == 0600);
    CHECK(left() == names{"out"});
    std::string still;
    reader >> still;
    CHECK(still == "before");
}

TEST_CASE_FIXTURE(fixture, "the target of a symlink is written, the link stays") {
    tree.directory("real");
    tree.file("real/out", "before");
    tree.link("link", "real/out");
    tree.link("link_to_link", "link");
    tree.link("dangling", "real/new");
    for (auto const* const name : {"link", "link_to_link"}) {
        auto sink = open(name);
        REQUIRE(sink->write(bytes_of(name)));
        REQUIRE(sink->commit());
        CHECK(content(tree.path("real/out")) == name);
    }
    auto sink = open("dangling");
    REQUIRE(sink->commit());
    CHECK(sink->path() == tree.path("real/new"));
    CHECK(std::filesystem::is_regular_file(tree.path("real/new")));
    CHECK(std::filesystem::is_symlink(tree.path("link")));
    CHECK(std::filesystem::is_symlink(tree.path("link_to_link")));
    CHECK(std::filesystem::is_symlink(tree.path("dangling")));
    tree.link("loop", "loop");
    CHECK(refusal({.path = tree.path("loop")}) == from_errno(ELOOP));
}

TEST_CASE_FIXTURE(fixture, "without replacing, an existing name is refused at the start and at commit") {
    tree.file("taken", "before");
    CHECK(refusal({.path = tree.path("taken"), .replace = false}) == from_errno(EEXIST));
    tree.link("dangling", "nowhere");
    {
        auto sink = open("dangling", false);  // a link to a free name is free
        REQUIRE(sink->commit());
    }
    CHECK(left() == names{"taken", "dangling", "nowhere"});

    auto sink = open("late", false);
    REQUIRE(sink->write(bytes_of("mine")));
    tree.file("late", "theirs");
    CHECK(sink->commit().error() == from_errno(EEXIST));
    sink.reset();
    CHECK(content(tree.path("late")) == "theirs");
    CHECK(content(tree.path("taken")) == "before");
    CHECK(left() == names{"taken", "dangling", "nowhere", "late"});
}

TEST_CASE_FIXTURE(fixture, "with replacing, a name that appears before commit is replaced as well") {
    auto sink = open("out");
    REQUIRE(sink->write(bytes_of("mine")));
    tree.file("out", "theirs");
    REQUIRE(sink->commit());
    CHECK(content(tree.path("out")) == "mine");
    CHECK(left() == names{"out"});
}

TEST_CASE_FIXTURE(fixture, "a file to be replaced that vanished meanwhile is simply made") {
    tree.file("out", "before");
    auto sink = open("out");
    REQUIRE(sink->write(bytes_of("mine")));
    std::filesystem::remove(tree.path("out"));
    REQUIRE(sink->commit());
    CHECK(content(tree.path("out")) == "mine");
    CHECK(left() == names{"out"});
}

TEST_CASE_FIXTURE(fixture, "derived names are numbered past those that are taken when it is named") {
    auto first = open_numbered();
    auto second = open_numbered();
    auto third = open_numbered();
    REQUIRE(second->write(bytes_of("second")));
    REQUIRE(first->commit());
    REQUIRE(second->commit());
    tree.file("out-3", "theirs");
    REQUIRE(third->commit());
    CHECK(first->path() == tree.path("out"));
    CHECK(second->path() == tree.path("out-2"));
    CHECK(third->path() == tree.path("out-4"));
    CHECK(content(tree.path("out-2")) == "second");
    CHECK(content(tree.path("out-3")) == "theirs");
    CHECK(left() == names{"out", "out-2", "out-3", "out-4"});
}

TEST_CASE_FIXTURE(fixture, "a stale temporary of the same name is removed, a living one and those of others are not") {
    tree.file(".out.submitit-abc123", "left by a crash");
    tree.file(".out.submitit-living", "held by another export");
    tree.file(".other.submitit-abc123");
    tree.file(".out.submitit-toolong");
    tree.file("out.submitit-abc123");
    unique_fd const holder{::open(tree.path(".out.submitit-living").c_str(), O_RDONLY | O_CLOEXEC)};
    REQUIRE(::flock(holder.get(), LOCK_EX) == 0);
    auto const sink = open("out");
    CHECK(left() ==
          names{".out.submitit-living", ".other.submitit-abc123", ".out.submitit-toolong", "out.submitit-abc123"});
}

TEST_CASE_FIXTURE(fixture, "two exports to one name do not remove each other's temporary") {
    tree.file("out", "before");
    auto first = open("out");
    auto second = open("out");
    REQUIRE(first->write(bytes_of("first")));
    REQUIRE(second->write(bytes_of("second")));
    REQUIRE(first->commit());
    CHECK(content(tree.path("out")) == "first");
    REQUIRE(second->commit());
    CHECK(content(tree.path("out")) == "second");
    CHECK(left() == names{"out"});
}

TEST_CASE_FIXTURE(fixture, "what cannot be a file is refused with the reason") {
    tree.directory("dir");
    CHECK(refusal({.path = tree.path("dir")}) == from_errno(EISDIR));
    CHECK(refusal({.path = tree.path("dir/")}) == from_errno(EISDIR));
    CHECK(refusal({.path = tree.path("dir/..")}) == from_errno(EISDIR));
    tree.link("to_dir", "dir");
    CHECK(refusal({.path = tree.path("to_dir")}) == from_errno(EISDIR));
    CHECK(refusal({.path = tree.path("missing/out")}) == from_errno(ENOENT));
    tree.file("file");
    CHECK(refusal({.path = tree.path("file/out")}) == from_errno(ENOTDIR));
    CHECK(refusal({.path = tree.path(std::string(256, 'n'))}) == from_errno(ENAMETOOLONG));
}

TEST_CASE_FIXTURE(fixture, "the longest name there is can be made and replaced") {
    std::string const name(255, 'n');
    for (auto const* const text : {"first", "second"}) {
        auto sink = open(name);
        REQUIRE(sink->write(bytes_of(text)));
        REQUIRE(sink->commit());
        CHECK(content(tree.path(name)) == text);
    }
    CHECK(left() == names{name});
}

TEST_CASE_FIXTURE(fixture, "written bytes can be changed, and cut off and written again") {
    auto sink = open("out");
    REQUIRE(sink->write(bytes_of("0123456789")));
    REQUIRE(sink->overwrite(2, bytes_of("ab")));
    REQUIRE(sink->cut_back(6));
    REQUIRE(sink->write(bytes_of("XYZ")));
    REQUIRE(sink->overwrite(0, bytes_of("-")));
    REQUIRE(sink->cut_back(9));
    REQUIRE(sink->commit());
    CHECK(content(tree.path("out")) == "-1ab45XYZ");
}

TEST_CASE_FIXTURE(fixture, "more than a writeback step is written, cut back and continued") {
    std::string const piece(1U << 20U, 'p');
    auto sink = open("out");
    for (int i = 0; i < 18; ++i) REQUIRE(sink->write(bytes_of(piece)));
    REQUIRE(sink->cut_back(100));
    REQUIRE(sink->write(bytes_of("end")));
    REQUIRE(sink->commit());
    CHECK(content(tree.path("out")) == std::string(100, 'p') + "end");
}

TEST_CASE_FIXTURE(fixture, "a walk is told the file that will be replaced") {
    CHECK(open("new")->identities().empty());
    tree.file("out");
    struct ::stat st{};
    REQUIRE(::stat(tree.path("out").c_str(), &st) == 0);
    auto const known = open("out")->identities();
    REQUIRE(known.size() == 1);
    CHECK(known[0] == std::pair<std::uint64_t, std::uint64_t>{st.st_dev, st.st_ino});
}

TEST_CASE_FIXTURE(fixture, "where unnamed files are unknown, a named temporary does the same") {
    tree.file("old", "before");
    ::chmod(tree.path("old").c_str(), 0600);
    constexpr std::uint32_t tmpfile_bit = O_TMPFILE & ~O_DIRECTORY;
    auto const status = testing::status_of_child_without({SYS_openat, EOPNOTSUPP, 2, tmpfile_bit}, [this] {
        ::umask(022);
        for (auto const* const name : {"new", "old"}) {
            auto dropped = file_sink::open({.path = tree.path(name)});
            if (!dropped) return 1;
            auto const during = left();
            bool const named = std::any_of(during.begin(), during.end(), [name](std::string const& one) {
                return one.starts_with('.' + std::string{name} + ".submitit-") && one.size() == 20;
            });
            if (!named || (*dropped)->identities().size() != (std::string_view{name} == "old" ? 2 : 1)) return 2;
            dropped->reset();
            if (left() != (std::string_view{name} == "old" ? names{"old", "new"} : names{"old"})) return 3;

            auto kept = file_sink::open({.path = tree.path(name)});
            if (!kept || !(*kept)->write(bytes_of(name)) || !(*kept)->commit()) return 4;
            if (content(tree.path(name)) != name) return 5;
        }
        auto late = file_sink::open({.path = tree.path("late"), .replace = false});
        if (!late) return 6;
        std::ofstream{tree.path("late")} << "theirs";
        if ((*late)->commit().error() != from_errno(EEXIST)) return 7;
        late->reset();
        return content(tree.path("late")) == "theirs" ? 0 : 8;
    });
    if (status == testing::no_filter_here) {
        MESSAGE("skipped: no seccomp filter can be set here");
        return;
    }
    CHECK(status == 0);
    CHECK(left() == names{"new", "old", "late"});
    CHECK(mode_of(tree.path("new")) == 0644);
    CHECK(mode_of(tree.path("old")) == 0600);
}

}  // namespace submitit::publish

TEST_SUITE_END();
