// SPDX-License-Identifier: Apache-2.0
#include "plan/planner.hpp"

#include <doctest/doctest.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "plan/planned.hpp"

TEST_SUITE_BEGIN("plan/planner");

namespace submitit::plan {
namespace {

using strings = std::vector<std::string>;

std::string numbered(int number) { return std::to_string(1'000'000 + number); }

}  // namespace

TEST_CASE("a batch closes at 512 entries, not at 511") {
    for (int const count : {511, 512, 513}) {
        CAPTURE(count);
        walk::scratch_tree tree;
        for (int i = 0; i < count; ++i) tree.file(numbered(i));
        auto wanted = simple_shape();
        wanted.ticket_bytes = 1'000'000;
        planning run{tree, wanted};
        auto const tickets = run.rest();
        REQUIRE(tickets.size() == (count == 513 ? 2 : 1));
        CHECK(tickets[0].entries.size() == static_cast<std::size_t>(std::min(count, 512)));
        CHECK(run.plan.entries() == static_cast<std::uint64_t>(count));
        if (count == 513) CHECK(names_in(tickets[1]) == strings{numbered(512)});
    }
}

TEST_CASE("a batch closes before it would exceed the ticket") {
    for (std::uint64_t const last : {4799U, 4800U, 4801U}) {
        CAPTURE(last);
        walk::scratch_tree tree;
        sparse_file(tree, "a", 5000);
        sparse_file(tree, "b", last);
        planning run{tree};
        auto const tickets = run.rest();
        if (last <= 4800) {
            REQUIRE(tickets.size() == 1);
            CHECK(tickets[0].bytes == 5000 + last + 2 * header);
        } else {
            CHECK(described(tickets) == strings{"0 batch 5100: a", "1 batch 4901: b"});
        }
    }
}

TEST_CASE("a file that exactly fills a ticket is one entry of a batch, one byte more makes segments") {
    walk::scratch_tree tree;
    sparse_file(tree, "a", 9899);
    sparse_file(tree, "b", 9900);
    sparse_file(tree, "c", 9901);
    planning run{tree};
    CHECK(described(run.rest()) ==
          strings{"0 batch 9999: a", "1 batch 10000: b", "2 segment 9900 at 0: c", "3 segment 1 at 9900 last: c"});
    CHECK(run.plan.entries() == 3);
}

TEST_CASE("segments tile the file, the first one leaves room for the header") {
    auto const seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937 random{seed};
    walk::scratch_tree tree;
    for (std::uint64_t const size :
         {std::uint64_t{19'900}, std::uint64_t{19'901}, std::uint64_t{9'901 + random() % 200'000}}) {
        CAPTURE(size);
        sparse_file(tree, "large", size);
        planning run{tree};
        auto const tickets = run.rest();
        std::uint64_t at = 0;
        for (auto const& one : tickets) {
            REQUIRE(one.kind == ticket_kind::segment);
            CHECK(one.offset == at);
            CHECK(one.bytes > 0);
            CHECK(one.bytes + (one.first_segment() ? header : 0) <= 10'000);
            at += one.bytes;
            CHECK(one.last_segment == (at == size));
            CHECK(one.large == tickets[0].large);
        }
        CHECK(at == size);
        CHECK(tickets.size() == (size + header + 9'999) / 10'000);
        CHECK(tickets[0].large->declared_bytes == size);
        CHECK(tickets[0].large->first_seq == 0);
    }
}

TEST_CASE("ticket borders depend on the input alone, not on windows or descriptors") {
    auto const seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937 random{seed};
    walk::scratch_tree tree;
    for (int i = 0; i < 150; ++i) {
        auto const name = (random() % 2 != 0 ? "d/" : "") + numbered(static_cast<int>(random() % 100'000));
        sparse_file(tree, name, random() % 4 == 0 ? random() % 40'000 : random() % 3000);
        if (random() % 5 == 0) {
            std::error_code taken;
            std::filesystem::create_hard_link(tree.path(name), tree.path("l" + std::to_string(i)), taken);
        }
    }
    planning roomy{tree};
    auto const expected = described(roomy.rest());
    auto tight = simple_shape();
    tight.large_files_open_max = 0;
    tight.link_window_bytes = 0;
    walk::walk_options small;
    small.window_bytes = 100;
    planning narrow{tree, tight, small};
    CHECK(described(narrow.rest()) == expected);
    CHECK(expected.size() > 20);
}

TEST_CASE("a batch closes when its records outgrow their share of memory") {
    walk::scratch_tree tree;
    for (int i = 0; i < 300; ++i) tree.link(numbered(i), std::string(4000, 'x'));
    auto wanted = simple_shape();
    wanted.ticket_bytes = 1'000'000;
    planning run{tree, wanted};
    auto const tickets = run.rest();
    REQUIRE(tickets.size() > 2);
    for (auto const& one : tickets) {
        std::uint64_t footprint = 0;
        for (auto const& entry : one.entries) footprint += entry.footprint_bytes();
        CHECK(footprint <= batch_limits{}.footprint_max + one.entries.back().footprint_bytes());
        if (&one != &tickets.back()) CHECK(footprint > batch_limits{}.footprint_max);
    }
}

TEST_CASE("FIFOs and devices are left out, with a warning each, of a format that cannot hold them") {
    walk::scratch_tree tree;
    tree.file("a");
    tree.file("z");
    REQUIRE(::mkfifo(tree.path("pipe").c_str(), 0644) == 0);
    planning tar{tree};
    CHECK(names_in(tar.next()) == strings{"a", "pipe", "z"});

    auto wanted = simple_shape();
    wanted.specials = false;
    planning zip{tree, wanted};
    auto const only = zip.next();
    CHECK(names_in(only) == strings{"a", "z"});
    REQUIRE(only.notices.size() == 1);
    CHECK(only.notices[0].kind == walk::notice_kind::special);
    CHECK(only.notices[0].path == "pipe");
    CHECK(zip.rest().empty());
    CHECK(zip.plan.entries() == 2);
}

TEST_CASE("a batch holds entries of few sources, since each keeps a directory open") {
    walk::scratch_tree tree;
    std::vector<walk::source> sources;
    for (int i = 10; i < 30; ++i) {
        tree.file(std::to_string(i) + "/f");
        auto found = walk::resolve_source({.given = tree.path(std::to_string(i))});
        REQUIRE(found.has_value());
        sources.push_back(*found);
    }
    walk::walker walk{std::move(sources), {}};
    planner plan{walk, simple_shape()};
    std::size_t entries = 0;
    for (ticket one; plan.next(one).value();) {
        entries += one.entries.size();
        CHECK(one.roots <= batch_roots_max);
        CHECK(one.entries.size() == 2 * one.roots);
    }
    CHECK(entries == 40);
}

TEST_CASE("many names in a row that cannot be held make tickets of notices alone, each of bounded size") {
    walk::scratch_tree tree;
    constexpr std::size_t fifos = 4000;
    for (std::size_t i = 0; i < fifos; ++i)
        REQUIRE(::mkfifo(tree.path("fifo" + std::to_string(i) + std::string(200, 'f')).c_str(), 0644) == 0);
    tree.file("z");
    auto wanted = simple_shape();
    wanted.specials = false;
    planning zip{tree, wanted};
    auto const tickets = zip.rest();
    std::uint64_t told = 0;
    for (auto const& one : tickets) {
        std::uint64_t bytes = 0;
        for (auto const& notice : one.notices) bytes += notice.footprint_bytes();
        CHECK(bytes < batch_limits{}.footprint_max + 1024);
        told += one.notices.size();
    }
    CHECK(tickets.size() > 2);
    CHECK(told == fifos);
    CHECK(names_in(tickets.back()) == strings{"z"});
}

TEST_CASE("notices travel with the ticket that follows them, and alone when nothing does") {
    walk::scratch_tree tree;
    auto wanted = simple_shape();
    wanted.specials = false;
    REQUIRE(::mkfifo(tree.path("a-pipe").c_str(), 0644) == 0);
    sparse_file(tree, "large", 15'000);
    REQUIRE(::mkfifo(tree.path("z-pipe").c_str(), 0644) == 0);
    planning run{tree, wanted};
    auto const tickets = run.rest();
    CHECK(described(tickets) ==
          strings{"0 batch 0:", "1 segment 9900 at 0: large", "2 segment 5100 at 9900 last: large", "3 batch 0:"});
    REQUIRE(tickets[0].notices.size() == 1);
    CHECK(tickets[0].notices[0].path == "a-pipe");
    REQUIRE(tickets[3].notices.size() == 1);
    CHECK(tickets[3].notices[0].path == "z-pipe");
}

TEST_CASE("a name of 65,535 bytes is planned, a longer one is left out and told with its beginning") {
    walk::scratch_tree tree;
    std::string const name(255, 'n');
    auto at = tree.open();
    for (int level = 0; level < 256; ++level) {
        REQUIRE(::mkdirat(at.get(), name.c_str(), 0755) == 0);
        if (level == 255) break;
        unique_fd next{::openat(at.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
        at = std::move(next);
    }
    // at level 255: 65,280 bytes so far, so a file's 255 just fit and a directory's 256 do not
    unique_fd const fits{::openat(at.get(), ("a" + name.substr(1)).c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0644)};
    REQUIRE(fits);
    auto wanted = simple_shape();
    wanted.ticket_bytes = 1'000'000;
    planning run{tree, wanted};
    std::size_t longest = 0;
    strings told;
    for (auto const& one : run.rest()) {
        for (auto const& entry : one.entries) longest = std::max(longest, entry.name.size());
        for (auto const& notice : one.notices)
            told.push_back(std::string{to_string(notice.kind)} + ' ' + std::to_string(notice.path.size()));
    }
    CHECK(longest == walk::name_bytes_max);
    CHECK(run.plan.entries() == 256);
    CHECK(told == strings{"unsupported 259"});
}

TEST_CASE("the declared size of a large file is the smaller of what the walk and the open saw") {
    walk::scratch_tree tree;
    for (auto const& [now, declared] :
         {std::pair{30'000, 20'000}, {20'000, 20'000}, {12'000, 12'000}, {50, 50}, {0, 0}}) {
        CAPTURE(now);
        tree.file("a");
        sparse_file(tree, "large", 20'000);
        planning run{tree};
        CHECK(names_in(run.next()) == strings{"a"});  // "large" has been walked by now, and did not fit
        std::filesystem::resize_file(tree.path("large"), static_cast<std::uintmax_t>(now));
        auto const tickets = run.rest();
        REQUIRE_FALSE(tickets.empty());
        CHECK(tickets[0].large->declared_bytes == static_cast<std::uint64_t>(declared));
        std::uint64_t bytes = 0;
        for (auto const& one : tickets) bytes += one.bytes;
        CHECK(bytes == static_cast<std::uint64_t>(declared));
        CHECK(tickets.back().last_segment);
    }
}

TEST_CASE("a large file that is gone or another one when it is opened is told, and the plan goes on") {
    walk::scratch_tree tree;
    tree.file("a");
    sparse_file(tree, "large", 20'000);
    tree.file("z");
    SUBCASE("gone") {
        planning run{tree};
        static_cast<void>(run.next());
        std::filesystem::remove(tree.path("large"));
        auto const after = run.next();
        CHECK(names_in(after) == strings{"z"});
        REQUIRE(after.notices.size() == 1);
        CHECK(after.notices[0].kind == walk::notice_kind::vanished);
        CHECK(run.rest().empty());
    }
    SUBCASE("another") {
        planning run{tree};
        static_cast<void>(run.next());
        std::filesystem::rename(tree.path("large"), tree.path("was"));
        SUBCASE("file") { sparse_file(tree, "large", 20'000); }
        SUBCASE("FIFO") { REQUIRE(::mkfifo(tree.path("large").c_str(), 0644) == 0); }
        SUBCASE("link") { tree.link("large", "was"); }
        auto const after = run.next();
        CHECK(names_in(after) == strings{"z"});
        REQUIRE(after.notices.size() == 1);
        CHECK(after.notices[0].kind == walk::notice_kind::replaced);
        CHECK(after.notices[0].path == "large");
    }
}

TEST_CASE("segments share a descriptor while few are open, and go without beyond that") {
    walk::scratch_tree tree;
    for (auto const* const name : {"a", "b", "c"}) sparse_file(tree, name, 15'000);
    auto wanted = simple_shape();
    wanted.large_files_open_max = 2;
    planning run{tree, wanted};
    std::vector<ticket> held;
    for (int i = 0; i < 5; ++i) held.push_back(run.next());
    CHECK(held[0].large->fd);
    CHECK(held[2].large->fd);
    CHECK_FALSE(held[4].large->fd);
    CHECK(held[4].large->declared_bytes == 15'000);

    planning again{tree, wanted};  // tickets that are gone give theirs back
    for (int i = 0; i < 6; ++i) CHECK(again.next().large->fd);
}

TEST_CASE("whether a large file is stored is asked once, with its descriptor") {
    walk::scratch_tree tree;
    sparse_file(tree, "a.zip", 25'000);
    sparse_file(tree, "b.txt", 25'000);
    auto wanted = simple_shape();
    int asked = 0;
    wanted.store_large = [&asked](walk::entry const& entry, int fd) {
        ++asked;
        CHECK(fd >= 0);
        return entry.name == "a.zip";
    };
    planning run{tree, wanted};
    for (auto const& one : run.rest()) CHECK(one.large->store == (one.large->entry.name == "a.zip"));
    CHECK(asked == 2);
}

TEST_CASE("the trailer comes after everything, numbered as the next ticket") {
    walk::scratch_tree tree;
    tree.file("a");
    planning run{tree};
    static_cast<void>(run.rest());
    auto const end = run.plan.trailer();
    CHECK(end.kind == ticket_kind::trailer);
    CHECK(end.seq == 1);
    CHECK(end.entries.empty());
}

// Symptom: notices of the planner itself were not counted, so a directory of files that cannot be opened was told about in
// one ticket of any size.
TEST_CASE("notices of files that cannot be opened do not pile up beyond a batch's share of memory") {
    walk::scratch_tree tree;
    REQUIRE(::chmod(tree.path("").c_str(), 0755) == 0);
    for (int i = 0; i < 2500; ++i) {
        auto const name = numbered(i) + std::string(200, 'x');
        sparse_file(tree, name, 20'000);
        REQUIRE(::chmod(tree.path(name).c_str(), 0) == 0);
    }
    planning run{tree};
    auto const before = ::setfsuid(65534);
    bool const nobody = ::geteuid() != 0 || ::setfsuid(static_cast<uid_t>(-1)) == 65534;
    auto const tickets = run.rest();
    ::setfsuid(static_cast<uid_t>(before));
    if (!nobody) {
        MESSAGE("skipped: root here cannot become another user");
        return;
    }
    std::size_t told = 0;
    for (auto const& one : tickets) {
        std::uint64_t bytes = 0;
        for (auto const& notice : one.notices) bytes += sizeof notice + notice.path.capacity();
        CHECK(bytes <= batch_limits{}.footprint_max + 1024);
        told += one.notices.size();
    }
    CHECK(told == 2500);
    CHECK(tickets.size() >= 2);
}

}  // namespace submitit::plan

TEST_SUITE_END();
