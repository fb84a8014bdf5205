// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "walk/walker.hpp"

namespace submitit::walk {

/// A walk from start to end, with everything it said.
struct walked {
    std::vector<entry> entries;
    std::vector<notice> notices;
    error_code error;

    [[nodiscard]] std::vector<std::string> names() const {
        std::vector<std::string> all;
        for (auto const& one : entries) all.push_back(one.name);
        return all;
    }

    [[nodiscard]] entry const& at(std::string_view name) const {
        auto const found =
            std::find_if(entries.begin(), entries.end(), [name](entry const& one) { return one.name == name; });
        CAPTURE(std::string{name});
        REQUIRE(found != entries.end());
        return *found;
    }

    [[nodiscard]] bool has(std::string_view name) const {
        return std::any_of(entries.begin(), entries.end(), [name](entry const& one) { return one.name == name; });
    }

    /// "kind path", in order.
    [[nodiscard]] std::vector<std::string> told() const {
        std::vector<std::string> all;
        for (auto const& one : notices) all.push_back(std::string{to_string(one.kind)} + ' ' + one.path);
        return all;
    }
};

/// Entries point into the walker's name table: `after(entry)` may look at them while the walk lasts, the result's owner
/// and group are cleared.
template <class After>
walked walk_all(std::vector<source> sources, walk_options const& options, After after) {
    walked all;
    walker walk{std::move(sources), options};
    for (entry one;;) {
        auto const got = walk.next(one);
        for (auto& told : walk.take_notices()) all.notices.push_back(std::move(told));
        if (!got) all.error = got.error();
        if (!got || *got == walker::found::end) return all;
        if (*got == walker::found::notices) continue;
        after(one);
        one.owner = one.group = nullptr;
        all.entries.push_back(one);
    }
}

inline walked walk_all(std::vector<source> sources, walk_options const& options = {}) {
    return walk_all(std::move(sources), options, [](entry const&) {});
}

inline source source_of(std::string const& path) {
    auto const found = resolve_source({.given = path});
    CAPTURE(path);
    REQUIRE(found.has_value());
    return *found;
}

/// A directory whose contents come without a name before them.
inline source contents_of(std::string const& path) {
    std::string const nothing;
    auto const found = resolve_source({.given = path, .prefix = &nothing});
    CAPTURE(path);
    REQUIRE(found.has_value());
    return *found;
}

}  // namespace submitit::walk
