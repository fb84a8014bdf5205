// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "walk/entry.hpp"

namespace submitit::archive {

/// How metadata is presented in the archive.
struct attribute_options {
    bool reproducible = false;              ///< uid and gid 0, no names, mtime at most `mtime_max`, DOS times in UTC
    std::optional<std::int64_t> mtime_max;  ///< SOURCE_DATE_EPOCH, seconds
    bool numeric_owner = false;             ///< no names
    std::optional<std::uint32_t> uid;       ///< --owner
    std::optional<std::uint32_t> gid;       ///< --group
    std::optional<std::string> owner;
    std::optional<std::string> group;

    bool operator==(attribute_options const&) const = default;
};

/// One entry's metadata as the archive will show it.
struct attributes {
    std::uint32_t mode = 0;
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    timestamp mtime;
    std::string_view owner;
    std::string_view group;
};

[[nodiscard]] inline attributes present(walk::entry const& entry, attribute_options const& options) noexcept {
    attributes shown{entry.stat.mode, entry.stat.uid, entry.stat.gid, entry.stat.mtime, {}, {}};
    if (options.reproducible) {
        shown.uid = shown.gid = 0;
        if (options.mtime_max && shown.mtime.seconds >= *options.mtime_max) shown.mtime = {*options.mtime_max, 0};
    } else if (!options.numeric_owner) {
        if (entry.owner != nullptr) shown.owner = *entry.owner;
        if (entry.group != nullptr) shown.group = *entry.group;
    }
    if (options.uid) shown.uid = *options.uid;
    if (options.gid) shown.gid = *options.gid;
    if (options.owner && !options.numeric_owner) shown.owner = *options.owner;
    if (options.group && !options.numeric_owner) shown.group = *options.group;
    return shown;
}

}  // namespace submitit::archive
