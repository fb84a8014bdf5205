// SPDX-License-Identifier: Apache-2.0
#include "walk/git_repository.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <string>
#include <string_view>

#include "walk/small_file.hpp"

namespace submitit::walk {
namespace {

constexpr int directory_flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
constexpr small_file_options pointer_file{.bytes_max = 1 << 16, .follow_links = true};

bool means_absent(error_code error) noexcept {
    int const value = error.value();
    return value == ENOENT || value == ENOTDIR || value == EACCES || value == ELOOP || value == EFBIG ||
           value == ENAMETOOLONG;
}

/// An empty unique_fd when there is no such directory.
result<unique_fd> open_directory(int dir_fd, std::string const& path) {
    unique_fd opened{::openat(dir_fd, path.c_str(), directory_flags)};
    if (opened) return opened;
    if (error_code const error = last_errno(); !means_absent(error)) return error;
    return unique_fd{};
}

bool holds(int dir_fd, char const* name) noexcept {
    struct ::stat st{};
    return ::fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/// The text of a file that names a directory: "<tag><path>" and line ends. Empty when it is no such file.
result<std::string> read_pointer(int dir_fd, std::string const& name, std::string_view tag) {
    auto content = read_small_file(dir_fd, name, pointer_file);
    if (!content && !means_absent(content.error())) return content.error();
    if (!content || !*content || !(*content)->starts_with(tag)) return std::string{};
    std::string path = (*content)->substr(tag.size());
    while (path.ends_with('\n') || path.ends_with('\r')) path.pop_back();
    return path;
}

/// The directory with objects, refs and info of `git_dir`; empty when that is no git directory.
result<unique_fd> open_common_dir(unique_fd git_dir) {
    if (!holds(git_dir.get(), "HEAD")) return unique_fd{};
    auto path = read_pointer(git_dir.get(), "commondir", "");
    if (!path) return path.error();
    if (!path->empty()) {
        auto common = open_directory(git_dir.get(), *path);
        if (!common) return common.error();
        git_dir = std::move(*common);
    }
    if (!git_dir || !holds(git_dir.get(), "objects") || !holds(git_dir.get(), "refs")) return unique_fd{};
    return git_dir;
}

/// The repository rooted exactly at `dir_fd`.
result<std::optional<git_repository>> repository_at(int dir_fd) {
    struct ::stat st{};
    if (::fstatat(dir_fd, ".git", &st, 0) != 0) {
        if (error_code const error = last_errno(); !means_absent(error)) return error;
        return std::nullopt;
    }
    if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode)) return std::nullopt;

    std::string git_path = ".git";
    if (S_ISREG(st.st_mode)) {
        auto named = read_pointer(dir_fd, git_path, "gitdir: ");
        if (!named) return named.error();
        git_path = std::move(*named);
    }
    git_repository found;
    if (!git_path.empty()) {
        auto git_dir = open_directory(dir_fd, git_path);
        if (!git_dir) return git_dir.error();
        if (*git_dir) {
            auto common = open_common_dir(std::move(*git_dir));
            if (!common) return common.error();
            found.common_dir = std::move(*common);
        }
    }
    if (S_ISDIR(st.st_mode) && !found.common_dir) return std::nullopt;
    found.root = unique_fd{::openat(dir_fd, ".", directory_flags)};
    if (!found.root) return last_errno();
    return found;
}

}  // namespace

result<std::optional<git_repository>> find_git_repository(int dir_fd) {
    struct ::stat start{};
    if (::fstat(dir_fd, &start) != 0) return last_errno();
    struct ::stat here = start;
    unique_fd parent;
    for (std::size_t depth = 0;; ++depth) {
        int const at = parent ? parent.get() : dir_fd;
        auto found = repository_at(at);
        if (!found) return found.error();
        if (*found) {
            (*found)->depth = depth;
            return found;
        }
        auto above = open_directory(at, "..");
        if (!above) return above.error();
        struct ::stat up{};
        if (!*above || ::fstat(above->get(), &up) != 0) return std::nullopt;
        bool const is_top = up.st_ino == here.st_ino && up.st_dev == here.st_dev;
        if (is_top || up.st_dev != start.st_dev) return std::nullopt;
        here = up;
        parent = std::move(*above);
    }
}

}  // namespace submitit::walk
