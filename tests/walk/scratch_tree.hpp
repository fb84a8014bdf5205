// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "base/unique_fd.hpp"

namespace submitit::walk {

/// A directory of its own below $TMPDIR, removed at the end. Paths are relative to it; parents are made as needed.
class scratch_tree {
public:
    scratch_tree() {
        std::string pattern = (std::filesystem::temp_directory_path() / "submitit-walk-XXXXXX").string();
        REQUIRE(::mkdtemp(pattern.data()) != nullptr);
        root_ = std::filesystem::canonical(pattern).string();
    }
    ~scratch_tree() {
        std::error_code ignored;
        std::filesystem::remove_all(root_, ignored);
    }
    scratch_tree(scratch_tree const&) = delete;
    scratch_tree& operator=(scratch_tree const&) = delete;

    [[nodiscard]] std::string path(std::string_view relative) const {
        return relative.empty() ? root_ : root_ + '/' + std::string{relative};
    }

    void directory(std::string_view relative) const { std::filesystem::create_directories(path(relative)); }

    void file(std::string_view relative, std::string_view content = "") const {
        std::filesystem::path const where = path(relative);
        std::filesystem::create_directories(where.parent_path());
        std::ofstream out{where, std::ios::binary};
        out << content;
        REQUIRE(out.flush().good());
    }

    void link(std::string_view relative, std::string_view target) const {
        std::filesystem::create_symlink(target, path(relative));
    }

    /// The least that git takes for a repository.
    void repository(std::string_view relative = "", std::string_view git_dir = ".git") const {
        std::string const base = (relative.empty() ? "" : std::string{relative} + '/') + std::string{git_dir};
        file(base + "/HEAD", "ref: refs/heads/main\n");
        directory(base + "/objects");
        directory(base + "/refs");
    }

    [[nodiscard]] unique_fd open(std::string_view relative = "") const {
        unique_fd fd{::open(path(relative).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
        REQUIRE(fd);
        return fd;
    }

private:
    std::string root_;
};

}  // namespace submitit::walk
