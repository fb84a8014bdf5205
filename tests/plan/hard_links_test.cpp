// SPDX-License-Identifier: Apache-2.0
#include "plan/hard_links.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "plan/planned.hpp"

TEST_SUITE_BEGIN("plan/hard_links");

namespace submitit::plan {
namespace {

using strings = std::vector<std::string>;

void hard_link(walk::scratch_tree const& tree, std::string const& first, std::string const& later) {
    std::filesystem::create_hard_link(tree.path(first), tree.path(later));
}

std::string found_in(hard_link_table& table, inode_key key) {
    auto const found = table.find(key);
    REQUIRE(found.has_value());
    return *found ? (*found)->name + '@' + std::to_string((*found)->seq) : "nothing";
}

entry_spool spooled(std::vector<walk::entry> const& entries) {
    entry_spool all;
    for (auto const& entry : entries) REQUIRE(all.append(entry));
    return all;
}

/// As an encoder hands them back.
entry_spool orphaned(std::vector<walk::entry> links) {
    for (auto& link : links) {
        CHECK(link.kind == walk::entry_kind::hard_link);
        link.kind = walk::entry_kind::file;
        link.link_target.clear();
    }
    return spooled(links);
}

}  // namespace

TEST_CASE("later names of an inode are links to the first, in the same ticket without waiting") {
    walk::scratch_tree tree;
    sparse_file(tree, "a", 10);
    hard_link(tree, "a", "b");
    tree.directory("d");
    hard_link(tree, "a", "d/c");
    tree.file("single");
    planning run{tree};
    auto const only = run.next();
    CHECK(described(only) == "0 batch 510: a b=a d/ d/c=a single");
    CHECK_FALSE(only.needs_sealed.has_value());
    CHECK(run.plan.planned_links());
    CHECK(run.rest().empty());
}

TEST_CASE("a link to an earlier ticket waits for it, for the newest when there are several") {
    walk::scratch_tree tree;
    sparse_file(tree, "1", 9900);
    sparse_file(tree, "2", 9900);
    sparse_file(tree, "3", 9900);
    hard_link(tree, "2", "x");
    hard_link(tree, "1", "y");
    planning run{tree};
    auto const tickets = run.rest();
    CHECK(described(tickets) ==
          strings{"0 batch 10000: 1", "1 batch 10000: 2", "2 batch 10000: 3", "3 batch 200: x=2 y=1"});
    CHECK(tickets[3].needs_sealed == 1);
    for (int i = 0; i < 3; ++i) CHECK_FALSE(tickets[static_cast<std::size_t>(i)].needs_sealed.has_value());
}

TEST_CASE("a link that no longer fits its first name's ticket waits for that one") {
    walk::scratch_tree tree;
    sparse_file(tree, "a", 9900);
    hard_link(tree, "a", "b");
    planning run{tree};
    auto const tickets = run.rest();
    CHECK(described(tickets) == strings{"0 batch 10000: a", "1 batch 100: b=a"});
    CHECK(tickets[1].needs_sealed == 0);
}

TEST_CASE("a link to a large file waits for its first segment") {
    walk::scratch_tree tree;
    tree.file("a");
    sparse_file(tree, "large", 25'000);
    hard_link(tree, "large", "later");
    planning run{tree};
    auto const tickets = run.rest();
    REQUIRE(tickets.size() == 5);
    CHECK(described(tickets[4]) == "4 batch 100: later=large");
    CHECK(tickets[4].needs_sealed == 1);
}

TEST_CASE("links have no content, so a large file's later names take no segments") {
    walk::scratch_tree tree;
    sparse_file(tree, "a", 50'000);
    for (auto const* const name : {"b", "c", "d"}) hard_link(tree, "a", name);
    planning run{tree};
    auto const tickets = run.rest();
    CHECK(described(tickets.back()) == "6 batch 300: b=a c=a d=a");
}

TEST_CASE("a format without hard links stores every name as a file") {
    walk::scratch_tree tree;
    sparse_file(tree, "a", 10);
    hard_link(tree, "a", "b");
    auto wanted = simple_shape();
    wanted.hard_links = false;
    planning run{tree, wanted};
    CHECK(described(run.next()) == "0 batch 220: a b");
    CHECK_FALSE(run.plan.planned_links());
}

TEST_CASE(
    "names whose first one failed are planned again: one as a file with its attributes, the others as links to it") {
    walk::scratch_tree tree;
    sparse_file(tree, "a", 10);
    for (auto const* const name : {"b", "c", "d"}) hard_link(tree, "a", name);
    auto wanted = simple_shape();
    SUBCASE("with the table in memory") { wanted.link_window_bytes = 1U << 20U; }
    SUBCASE("with the table in a file") { wanted.link_window_bytes = 0; }
    planning run{tree, wanted};
    auto planned = run.rest();
    REQUIRE(planned.size() == 1);
    auto& entries = planned[0].entries;
    REQUIRE(entries.size() == 4);
    entries[1].xattrs.push_back({"user.kept", "value"});
    REQUIRE(run.plan.plan_again(orphaned({entries[1], entries[2], entries[3]})));
    auto const again = run.rest();
    CHECK(described(again) == strings{"1 batch 310: b c=b d=b"});
    REQUIRE(again.size() == 1);
    CHECK(again[0].entries[0].link_target.empty());
    CHECK(again[0].entries[0].xattrs.size() == 1);
    CHECK_FALSE(again[0].needs_sealed.has_value());

    // and that name cannot be read either
    REQUIRE(run.plan.plan_again(orphaned({again[0].entries[1], again[0].entries[2]})));
    auto const third = run.rest();
    CHECK(described(third) == strings{"2 batch 210: c d=c"});

    // nor that: the last time each stands for itself
    REQUIRE(run.plan.plan_again(orphaned({third[0].entries[1]}), true));
    CHECK(described(run.rest()) == strings{"3 batch 110: d"});
}

TEST_CASE("the table finds what was added under its device and inode, and forgets on demand") {
    for (std::size_t const window : {std::size_t{1} << 20U, std::size_t{0}}) {
        CAPTURE(window);
        hard_link_table table{window};
        CHECK(found_in(table, {1, 7}) == "nothing");
        REQUIRE(table.add({1, 7}, "first", 3, 100));
        REQUIRE(table.add({2, 7}, "", 4, 100));
        REQUIRE(table.add({1, 8}, std::string(5000, 'n'), 5, 100));
        CHECK(table.spilled() == (window == 0));
        CHECK(found_in(table, {1, 7}) == "first@3");
        CHECK(found_in(table, {1, 7}) == "first@3");
        CHECK(found_in(table, {1, 8}) == std::string(5000, 'n') + "@5");
        CHECK(found_in(table, {2, 8}) == "nothing");
        REQUIRE(table.forget({1, 7}));
        CHECK(found_in(table, {1, 7}) == "nothing");
        REQUIRE(table.add({1, 7}, "second", 9, 100));
        CHECK(found_in(table, {1, 7}) == "second@9");
        REQUIRE(table.forget({5, 5}));
    }
}

TEST_CASE("in memory, an inode goes when all its names were seen") {
    hard_link_table table{200};  // room for two names
    for (std::uint64_t ino = 0; ino < 1000; ++ino) {
        REQUIRE(table.add({1, ino}, "name", ino, 2));
        CHECK(found_in(table, {1, ino}) == "name@" + std::to_string(ino));
    }
    CHECK_FALSE(table.spilled());
}

TEST_CASE("a spilled table answers as one in memory does") {
    auto const seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937 random{seed};
    hard_link_table roomy{1U << 24U};
    hard_link_table tight{2000};
    std::map<inode_key, unsigned> names_left;
    for (int step = 0; step < 20'000; ++step) {
        inode_key const key{random() % 3, random() % 2000};
        auto const known = names_left.find(key);
        if (known == names_left.end()) {
            REQUIRE(found_in(roomy, key) == "nothing");
            REQUIRE(found_in(tight, key) == "nothing");
            unsigned const nlink = 3 + random() % 4;
            std::string const name(1 + random() % 60, static_cast<char>('a' + random() % 26));
            auto const seq = random();
            REQUIRE(roomy.add(key, name, seq, nlink));
            REQUIRE(tight.add(key, name, seq, nlink));
            names_left[key] = nlink - 1;
        } else if (known->second == 1 || random() % 8 == 0) {
            REQUIRE(roomy.forget(key));
            REQUIRE(tight.forget(key));
            names_left.erase(known);
        } else {
            REQUIRE(found_in(tight, key) == found_in(roomy, key));
            --known->second;
        }
    }
    CHECK(tight.spilled());
    CHECK_FALSE(roomy.spilled());
}

TEST_CASE("a spilled table keeps every name when it outgrows its first size") {
    constexpr std::uint64_t inodes = 45'000;  // of 65,536 places, 60 % of which may be taken
    hard_link_table table{0};
    for (std::uint64_t ino = 1; ino <= inodes; ++ino) REQUIRE(table.add({1, ino}, std::to_string(ino), ino, 2));
    for (std::uint64_t ino = 1; ino <= inodes; ino += 97)
        CHECK(found_in(table, {1, ino}) == std::to_string(ino) + '@' + std::to_string(ino));
    CHECK(found_in(table, {1, inodes + 1}) == "nothing");
}

TEST_CASE("failures of any number are known until they are cleared") {
    for (std::size_t const window : {std::size_t{1} << 20U, std::size_t{0}}) {
        CAPTURE(window);
        link_outcomes outcomes{window};
        CHECK_FALSE(outcomes.has_failed({1, 2}));
        for (std::uint64_t ino = 0; ino < 1000; ++ino) outcomes.first_failed({1, ino});
        for (std::uint64_t ino = 0; ino < 1000; ++ino) CHECK(outcomes.has_failed({1, ino}));
        CHECK(outcomes.has_failed({1, 2}));
        CHECK_FALSE(outcomes.has_failed({2, 1}));
        outcomes.clear();
        CHECK_FALSE(outcomes.has_failed({1, 2}));
        CHECK_FALSE(outcomes.error());
    }
}

TEST_CASE("a spool gives entries back as they were, in order, and again after rewind") {
    walk::scratch_tree tree;
    tree.file("a/b");
    planning run{tree};
    auto const planned = run.rest();
    std::string const owner = "somebody";
    std::vector<walk::entry> entries;
    for (int i = 0; i < 50; ++i) {
        auto entry = planned.at(0).entries.at(static_cast<std::size_t>(i) % 2);
        entry.name += std::string(static_cast<std::size_t>(i) * 100, 'n');
        if (i % 3 == 0) entry.xattrs.push_back({"user.x", std::string(i % 2 == 0 ? 0 : 70'000, 'v')});
        if (i % 5 == 0) entry.open_path = "elsewhere";
        if (i % 7 == 0) entry.root = nullptr;
        if (i % 4 == 0) entry.owner = &owner;
        entries.push_back(entry);
    }
    auto spool = spooled(entries);
    CHECK_FALSE(spool.empty());
    for (int round = 0; round < 2; ++round) {
        walk::entry back;
        for (auto const& entry : entries) {
            REQUIRE(spool.next(back).value());
            CHECK(back.name == entry.name);
            CHECK(back.path_offset == entry.path_offset);
            CHECK(back.open_path == entry.open_path);
            CHECK(back.root == entry.root);
            CHECK(back.owner == entry.owner);
            CHECK(back.kind == entry.kind);
            CHECK(back.stat.unchanged_since(entry.stat));
            REQUIRE(back.xattrs.size() == entry.xattrs.size());
            if (!back.xattrs.empty()) CHECK(back.xattrs[0].value == entry.xattrs[0].value);
        }
        CHECK_FALSE(spool.next(back).value());
        spool.rewind();
    }
}

}  // namespace submitit::plan

TEST_SUITE_END();
