// SPDX-License-Identifier: Apache-2.0
#include "sim/prepared_trees.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <array>
#include <map>
#include <tuple>

#include "archive/read/support.hpp"
#include "pipeline/exporting.hpp"

namespace submitit::sim {
namespace {

using archive::testing::noise;
using archive::testing::prose;

void fill_tiny(prepared_tree& tree) {
    tree.files.file("a", prose(3000));
    tree.files.directory("hollow");
    tree.files.link("link", "a");
    tree.files.file("z", noise(200, 1));
    std::filesystem::create_hard_link(tree.files.path("a"), tree.files.path("same"));
}

/// Batches of at most 64 entries where tickets are small.
void fill_many(prepared_tree& tree) {
    for (int i = 0; i < 170; ++i)
        tree.files.file("many/" + std::to_string(1000 + i), prose(static_cast<std::size_t>(i) * 7 % 300));
    tree.files.directory("hollow/inner");
    tree.files.link("link", "many/1000");
}

/// Three segments of 128 KiB.
void fill_large(prepared_tree& tree) {
    tree.files.file("before", prose(500));
    tree.files.file("large", prose(200'000) + noise(100'000, 2));
    tree.files.file("behind", noise(500, 3));
}

/// Links in later tickets than their first names; one of those names can be made to fail.
void fill_links(prepared_tree& tree) {
    tree.files.file("a/failing", prose(5000));
    tree.files.file("a/first", prose(4000));
    tree.files.file("b/between", noise(125'000, 4));
    for (auto const* const name : {"c/one", "c/two", "e/three"}) {
        tree.files.directory("c");
        tree.files.directory("e");
        std::filesystem::create_hard_link(tree.files.path("a/failing"), tree.files.path(name));
    }
    tree.files.file("d/between", noise(120'000, 5));
    std::filesystem::create_hard_link(tree.files.path("a/first"), tree.files.path("e/four"));
    tree.first_name = "a/failing";
}

void fill_bare(prepared_tree& tree) {
    for (int i = 0; i < 70; ++i) tree.files.directory("d" + std::to_string(100 + i));
    tree.files.link("nowhere", "gone");
}

/// Segments of 1 MiB, and of 4.
void fill_huge(prepared_tree& tree) {
    tree.files.file("a", prose(100'000));
    tree.files.file("large", prose(3'000'000) + noise(1'500'000, 6));
    tree.files.file("z", noise(70'000, 7));
    tree.needs_large_tickets = true;
}

void fix_times(walk::scratch_tree const& tree) {
    std::array<::timespec, 2> const when{{{1'700'000'000, 0}, {1'700'000'000, 0}}};
    for (auto const& one : std::filesystem::recursive_directory_iterator{tree.path("")})
        REQUIRE(::utimensat(AT_FDCWD, one.path().c_str(), when.data(), AT_SYMLINK_NOFOLLOW) == 0);
    REQUIRE(::utimensat(AT_FDCWD, tree.path("").c_str(), when.data(), 0) == 0);
}

using filler = void (*)(prepared_tree&);
constexpr std::array<std::pair<char const*, filler>, tree_kinds> fillers{{{"tiny", fill_tiny},
                                                                          {"many", fill_many},
                                                                          {"large", fill_large},
                                                                          {"links", fill_links},
                                                                          {"bare", fill_bare},
                                                                          {"huge", fill_huge}}};

}  // namespace

prepared_tree const& tree_of(tree_kind kind) {
    static std::map<tree_kind, prepared_tree> made;
    auto const [at, is_new] = made.try_emplace(kind);
    if (!is_new) return at->second;
    auto const& [name, fill] = fillers.at(static_cast<std::size_t>(kind));
    at->second.name = name;
    fill(at->second);
    fix_times(at->second.files);
    return at->second;
}

expected_archive const& expected(tree_kind tree, archive::format_options const& format) {
    using key = std::tuple<tree_kind, submitit::format, bool, bool>;
    static std::map<key, expected_archive> made;
    auto const [at, is_new] = made.try_emplace(key{tree, format.kind, format.small_tickets, format.seekable});
    if (!is_new) return at->second;
    auto options = pipeline::options_for(format.kind, pipeline::contents_of(tree_of(tree).files));
    options.format = format;
    pipeline::memory_sink sink{format.seekable};
    auto const report = pipeline::run(std::move(options), sink);
    REQUIRE(report.failure.kind == pipeline::failure_kind::none);
    REQUIRE(report.warnings() == 0);
    at->second = {std::move(sink.bytes), report.entries};
    return at->second;
}

}  // namespace submitit::sim
