// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "archive/traits.hpp"
#include "walk/scratch_tree.hpp"

namespace submitit::sim {

/// A tree on the disk. Its times are fixed, so that a seed meets the same bytes every time.
struct prepared_tree {
    std::string name;
    walk::scratch_tree files;
    std::string first_name;            ///< of a hard link, as the disk is asked for it; may be empty
    bool needs_large_tickets = false;  ///< also has files of several whole-size tickets
};

enum class tree_kind : std::uint8_t { tiny, many, large, links, bare, huge };
inline constexpr unsigned tree_kinds = 6;

[[nodiscard]] prepared_tree const& tree_of(tree_kind kind);

/// What a real export of the tree gives, made once for each of the formats.
struct expected_archive {
    std::string bytes;
    std::uint64_t entries = 0;
};
[[nodiscard]] expected_archive const& expected(tree_kind tree, archive::format_options const& format);

}  // namespace submitit::sim
