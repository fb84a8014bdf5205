// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <doctest/doctest.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "plan/planner.hpp"
#include "walk/scratch_tree.hpp"
#include "walk/walker.hpp"

namespace submitit::plan {

inline constexpr std::uint64_t header = 100;  ///< what an entry of these tests takes beside its content

/// Round numbers: an entry costs its size + 100, a ticket holds 10,000.
inline shape simple_shape() {
    shape wanted;
    wanted.ticket_bytes = 10'000;
    wanted.hard_links = true;
    wanted.specials = true;
    wanted.entry_bytes = [](walk::entry const&, std::uint64_t size) { return size + header; };
    wanted.header_bytes = [](walk::entry const&, std::uint64_t) { return header; };
    return wanted;
}

/// A walk of a tree's contents and its planner.
struct planning {
    explicit planning(walk::scratch_tree const& tree, shape wanted = simple_shape(), walk::walk_options options = {})
        : walk{{contents(tree)}, std::move(options)}, plan{walk, std::move(wanted)} {}

    /// The next ticket; there must be one.
    ticket next() {
        ticket made;
        auto const more = plan.next(made);
        REQUIRE(more.has_value());
        REQUIRE(*more);
        return made;
    }

    std::vector<ticket> rest() {
        std::vector<ticket> all;
        for (;;) {
            ticket made;
            auto const more = plan.next(made);
            REQUIRE(more.has_value());
            if (!*more) return all;
            all.push_back(std::move(made));
        }
    }

    walk::walker walk;
    planner plan;

private:
    static walk::source contents(walk::scratch_tree const& tree) {
        std::string const nothing;
        auto found = walk::resolve_source({.given = tree.path(""), .prefix = &nothing});
        REQUIRE(found.has_value());
        return *found;
    }
};

/// A file of zeros that takes no space.
inline void sparse_file(walk::scratch_tree const& tree, std::string const& name, std::uint64_t bytes) {
    tree.file(name);
    std::filesystem::resize_file(tree.path(name), bytes);
}

inline std::vector<std::string> names_in(ticket const& of) {
    std::vector<std::string> names;
    for (auto const& entry : of.entries) names.push_back(entry.name);
    return names;
}

/// All that decides the archive's bytes: "0 batch 300: a b c", "1 segment 9900 at 0: large".
inline std::string described(ticket const& of) {
    auto text =
        std::to_string(of.seq) + (of.kind == ticket_kind::batch ? " batch " : " segment ") + std::to_string(of.bytes);
    if (of.kind == ticket_kind::segment)
        return text + " at " + std::to_string(of.offset) + (of.last_segment ? " last: " : ": ") + of.large->entry.name;
    text += ':';
    for (auto const& entry : of.entries) {
        text += ' ' + entry.name;
        if (entry.kind == walk::entry_kind::hard_link) text += "=" + entry.link_target;
    }
    return text;
}

inline std::vector<std::string> described(std::vector<ticket> const& tickets) {
    std::vector<std::string> all;
    for (auto const& one : tickets) all.push_back(described(one));
    return all;
}

}  // namespace submitit::plan
