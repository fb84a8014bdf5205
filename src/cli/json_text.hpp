// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

namespace submitit::cli {

/// Sets object[key] to `name`; one that is not UTF-8 is escaped for display there, and stands in key_base64 byte for byte.
void put_name(boost::json::object& object, std::string_view key, std::string_view name);

/// What export and verify both count.
template <class Report>
void put_counts(boost::json::object& object, Report const& report) {
    object["entries"] = report.entries;
    object["files"] = report.files;
    object["content_bytes"] = report.content_bytes;
}

/// An object for each of `items`: its path, then what `add` puts in.
template <class Items, class Add>
[[nodiscard]] boost::json::array list_by_path(Items const& items, Add add) {
    boost::json::array list;
    for (auto const& item : items) {
        boost::json::object one;
        put_name(one, "path", item.path);
        add(one, item);
        list.push_back(std::move(one));
    }
    return list;
}

/// `object` as one line of text, its newline included. What is_control_point() names stands as \u escapes, so that a line
/// can be shown on a terminal; strings that are not UTF-8 have U+FFFD for every wrong byte.
[[nodiscard]] std::string json_line(boost::json::object const& object);

}  // namespace submitit::cli
