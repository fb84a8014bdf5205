// SPDX-License-Identifier: Apache-2.0
#include "walk/name_list.hpp"

#include <dirent.h>
#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

TEST_SUITE_BEGIN("walk/name_list");

namespace submitit::walk {
namespace {

struct named {
    std::string name;
    bool is_directory = false;
    [[nodiscard]] std::string stored() const { return is_directory ? name + '/' : name; }
};

std::vector<std::string> rest_of(name_list& list) {
    std::vector<std::string> names;
    name_list::item item;
    for (;;) {
        auto const more = list.next(item);
        REQUIRE(more.has_value());
        if (!*more) return names;
        CHECK(item.type == (item.is_directory ? DT_DIR : DT_REG));
        names.push_back(item.is_directory ? item.name + '/' : item.name);
    }
}

void fill(name_list& list, std::vector<named> const& names) {
    for (auto const& one : names) REQUIRE(list.add(one.name, one.is_directory ? DT_DIR : DT_REG, one.is_directory));
    REQUIRE(list.sort());
}

std::vector<std::string> sorted(std::vector<named> const& names) {
    std::vector<std::string> stored;
    for (auto const& one : names) stored.push_back(one.stored());
    std::sort(stored.begin(), stored.end());  // std::string compares as unsigned bytes
    return stored;
}

/// Short names over few letters, among them those around '/', so that many are prefixes of others.
std::vector<named> random_names(std::mt19937& random, std::size_t count, std::size_t longest) {
    static constexpr std::string_view letters = "ab.-0\x01\x7F\x80\xFF ";
    std::set<std::string> seen;
    std::vector<named> names;
    while (names.size() < count) {
        std::string name(1 + random() % longest, '\0');
        for (auto& c : name) c = letters[random() % letters.size()];
        if (seen.insert(name).second) names.push_back({name, random() % 3 == 0});
    }
    return names;
}

}  // namespace

TEST_CASE("names come in byte-wise order of what is stored, so a directory sorts by its slash") {
    spill_file spill;
    name_list list{1U << 20U, spill};
    fill(list, {{"a", true}, {"a.txt"}, {"a-b"}, {"a0"}, {"b"}, {"A"}, {"\xC3\xA9"}, {"aa", true}, {"a b"}});
    CHECK(rest_of(list) == std::vector<std::string>{"A", "a b", "a-b", "a.txt", "a/", "a0", "aa/", "b", "\xC3\xA9"});
    CHECK(spill.size() == 0);
}

TEST_CASE("an empty list ends at once, and stays at its end") {
    spill_file spill;
    name_list list{1U << 20U, spill};
    REQUIRE(list.sort());
    CHECK(rest_of(list).empty());
    CHECK(rest_of(list).empty());
    REQUIRE(list.suspend());
    CHECK(rest_of(list).empty());
}

TEST_CASE("a list that outgrew its window gives the same order as one in memory") {
    auto const seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937 random{seed};
    for (int round = 0; round < 30; ++round) {
        auto const names = random_names(random, 1 + random() % 600, 12);
        auto const window = std::size_t{16} << random() % 8;
        CAPTURE(window);
        spill_file spill;
        name_list list{window, spill};
        fill(list, names);
        REQUIRE(rest_of(list) == sorted(names));
    }
}

TEST_CASE("names of 1 to 255 bytes survive runs that end anywhere in a buffer") {
    auto const seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937 random{seed};
    auto const names = random_names(random, 3000, 255);
    spill_file spill;
    name_list list{20'000, spill};
    fill(list, names);
    CHECK(spill.size() > 300'000);
    CHECK(rest_of(list) == sorted(names));
}

TEST_CASE("a list suspended at any moment goes on with the next name") {
    auto const seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937 random{seed};
    for (std::size_t const window : {std::size_t{1} << 20U, std::size_t{512}}) {
        CAPTURE(window);
        auto const names = random_names(random, 300, 20);
        spill_file spill;
        name_list list{window, spill};
        fill(list, names);
        std::vector<std::string> got;
        name_list::item item;
        while (got.size() < names.size()) {
            if (random() % 16 == 0) {
                REQUIRE(list.suspend());
                if (random() % 4 == 0) REQUIRE(list.suspend());
            }
            auto const more = list.next(item);
            REQUIRE(more.has_value());
            REQUIRE(*more);
            got.push_back(item.is_directory ? item.name + '/' : item.name);
        }
        REQUIRE(list.suspend());
        CHECK(rest_of(list).empty());
        CHECK(got == sorted(names));
    }
}

// Symptom: suspended lists kept their memory, so a deep walk outgrew its window. `vector = {}` assigns an empty
// initializer list, which keeps the capacity.
TEST_CASE("a suspended list holds next to nothing, and a spilled one not much more than its window") {
    spill_file spill;
    name_list list{8 * 1024, spill};
    std::vector<named> names;
    for (int i = 0; i < 2000; ++i) names.push_back({"file-" + std::to_string(i * 7919 % 100'003)});
    for (auto const& one : names) {
        REQUIRE(list.add(one.name, DT_REG, false));
        REQUIRE(list.memory_bytes() <= 8 * 1024 + 4096);  // the window, and places that grow by doubling
    }
    REQUIRE(list.sort());
    CHECK(list.memory_bytes() < 2048);
    name_list::item item;
    REQUIRE(list.next(item).value());
    CHECK(list.memory_bytes() > 2048);
    REQUIRE(list.suspend());
    CHECK(list.memory_bytes() < 2048);
}

TEST_CASE("lists of one walk share a spill file without disturbing each other") {
    auto const seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937 random{seed};
    spill_file spill;
    auto const outer_names = random_names(random, 400, 10);
    auto const inner_names = random_names(random, 400, 10);
    name_list outer{256, spill};
    fill(outer, outer_names);
    std::vector<std::string> outer_got;
    name_list::item item;
    for (int i = 0; i < 100; ++i) {
        REQUIRE(outer.next(item).value());
        outer_got.push_back(item.is_directory ? item.name + '/' : item.name);
    }
    REQUIRE(outer.suspend());
    name_list inner{256, spill};
    fill(inner, inner_names);
    CHECK(rest_of(inner) == sorted(inner_names));
    auto const rest = rest_of(outer);
    outer_got.insert(outer_got.end(), rest.begin(), rest.end());
    CHECK(outer_got == sorted(outer_names));
}

}  // namespace submitit::walk

TEST_SUITE_END();
