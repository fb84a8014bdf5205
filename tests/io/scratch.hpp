// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.hpp"

namespace submitit::io::testing {

using bytes = std::vector<std::byte>;

/// `count` bytes that depend on `seed` and on their position.
[[nodiscard]] bytes pattern(std::size_t count, std::uint64_t seed);

/// A directory below the working directory (the build directory: a real file system, where pages can be dropped from the cache,
/// which a tmpfs cannot), removed again at the end.
class scratch {
public:
    scratch();
    scratch(scratch const&) = delete;
    scratch& operator=(scratch const&) = delete;
    ~scratch();

    [[nodiscard]] int fd() const noexcept { return fd_.get(); }

    void put(std::string const& name, bytes const& content) const;
    void directory(std::string const& name) const;
    void symlink(std::string const& target, std::string const& name) const;
    void fifo(std::string const& name) const;
    void remove(std::string const& name) const;
    void mode(std::string const& name, unsigned bits) const;

    /// A file at the end of `depth` directories with names of 200 bytes; returns its path, longer than PATH_MAX when depth > 20.
    [[nodiscard]] std::string put_deep(int depth, bytes const& content) const;

    [[nodiscard]] unique_fd open(std::string const& name) const;

    /// Writes the file's pages back and drops them from the cache.
    void chill(std::string const& name) const;

private:
    std::string path_;
    unique_fd fd_;
};

}  // namespace submitit::io::testing
