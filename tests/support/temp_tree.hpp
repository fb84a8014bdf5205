// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace submitit::testing {

/// A directory of its own below $TMPDIR, removed with everything in it. Names are relative to it, at most PATH_MAX long;
/// directories above a name are made as needed. Every failure fails the test.
class temp_tree {
public:
    temp_tree();
    ~temp_tree();
    temp_tree(temp_tree const&) = delete;
    temp_tree& operator=(temp_tree const&) = delete;

    [[nodiscard]] std::string const& path() const noexcept { return path_; }
    [[nodiscard]] std::string operator/(std::string_view name) const { return path_ + '/' + std::string{name}; }

    void put(std::string_view name, std::string_view content = {}) const;
    void directory(std::string_view name) const;
    void symlink(std::string_view name, std::string const& target) const;
    void hard_link(std::string_view name, std::string_view existing) const;
    void fifo(std::string_view name) const;
    void socket(std::string_view name) const;
    /// A file of `bytes` zeros that takes no room on the disk.
    void sparse(std::string_view name, std::uint64_t bytes) const;
    void mode(std::string_view name, mode_t bits) const;
    /// Of a symlink itself, too.
    void modified(std::string_view name, std::int64_t seconds, std::int64_t nanoseconds = 0) const;
    /// False where the file system has no such attributes; says so.
    [[nodiscard]] bool attribute(std::string_view name, char const* key, std::string_view value) const;

    [[nodiscard]] std::string read(std::string_view name) const;
    [[nodiscard]] bool exists(std::string_view name) const;
    /// The names in a directory, sorted; "." and ".." left out.
    [[nodiscard]] std::vector<std::string> names_in(std::string_view directory = {}) const;

private:
    void make_parents(std::string_view name) const;

    std::string path_;
};

/// Bytes that do not compress, the same for the same seed.
[[nodiscard]] std::string noise(std::size_t bytes, std::uint64_t seed);

/// Text that does.
[[nodiscard]] std::string prose(std::size_t bytes);

[[nodiscard]] std::string read_file(std::string const& path);
void write_file(std::string const& path, std::string_view content);

}  // namespace submitit::testing
