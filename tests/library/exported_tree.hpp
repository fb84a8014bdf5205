// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <doctest/doctest.h>

#include <filesystem>
#include <map>
#include <string>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include "archive/read/support.hpp"
#include "submitit/export_job.hpp"
#include "support/open_descriptors.hpp"
#include "walk/scratch_tree.hpp"

namespace submitit::testing {

/// A tree with small files, links, and one file of several tickets, and a place for archives of it.
struct exported_tree {
    exported_tree() {
        for (int i = 0; i < 200; ++i)
            tree.file("data/many/" + std::to_string(1000 + i),
                      archive::testing::prose(static_cast<std::size_t>(i) * 13 % 900));
        tree.file("data/large", archive::testing::noise(2'500'000, 7));
        tree.directory("data/empty");
        tree.link("data/link", "large");
        tree.directory("out");
    }

    [[nodiscard]] std::string data() const { return tree.path("data"); }
    [[nodiscard]] std::string out(std::string const& name) const { return tree.path("out/" + name); }
    [[nodiscard]] bool out_is_empty() const { return std::filesystem::is_empty(tree.path("out")); }
    /// Names and contents of an archive, as another library decodes them.
    [[nodiscard]] static std::map<std::string, std::string> decoded(std::string const& bytes) {
        return archive::testing::decoded(bytes);
    }
    [[nodiscard]] bool holds_all(std::string const& bytes) const {
        auto const found = decoded(bytes);
        return found.size() == 205 && found.at("data/large") == archive::testing::noise(2'500'000, 7) &&
               found.at("data/link") == "large" &&
               found.at("data/many/1199") == archive::testing::prose(199 * 13 % 900);
    }

    walk::scratch_tree tree;
};

inline exported_tree const& shared_tree() {
    static exported_tree const made;
    return made;
}

/// Reads an export to its end.
inline boost::asio::awaitable<std::string> read_all(export_job& job) {
    std::string bytes;
    std::string piece(10'000, '\0');
    for (;;) {
        auto const token = boost::asio::as_tuple(boost::asio::use_awaitable);
        auto const into = boost::asio::buffer(piece);
        auto const [error, got] = co_await job.async_read_some(into, token);
        bytes.append(piece, 0, got);
        if (error == boost::asio::error::eof) co_return bytes;
        if (error) throw boost::system::system_error{error};
    }
}

}  // namespace submitit::testing
