// SPDX-License-Identifier: Apache-2.0
#include "base/open_beneath.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <array>
#include <atomic>
#include <climits>
#include <cstring>

namespace submitit {
namespace {

using path_buffer = std::array<char, PATH_MAX>;

std::atomic<bool> openat2_missing{false};

int openat2_once(int dir_fd, char const* path, int flags, beneath_options options) noexcept {
    open_how how{};
    how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
    how.resolve = resolve_flags(options);
    for (int tries = 0;; ++tries) {
        auto const fd = ::syscall(SYS_openat2, dir_fd, path, &how, sizeof how);
        if (fd >= 0) return static_cast<int>(fd);
        bool const raced_with_rename = errno == EAGAIN && !options.cached_only && tries < 16;
        if (errno != EINTR && !raced_with_rename) return -1;
    }
}

/// Component by component, each with O_NOFOLLOW: for kernels and sandboxes without openat2.
int openat_stepwise(int dir_fd, char* path, int flags, beneath_options options) noexcept {
    if (options.cached_only) {
        errno = EAGAIN;
        return -1;
    }
    unique_fd held;
    int at = dir_fd;
    for (char* component = path;;) {
        char* const slash = std::strchr(component, '/');
        if (slash != nullptr) *slash = '\0';
        bool const dotdot = std::strcmp(component, "..") == 0;
        if (dotdot) {
            errno = EXDEV;
            return -1;
        }
        bool const last = slash == nullptr || slash[1] == '\0';
        int const how = last ? flags | O_NOFOLLOW : O_PATH | O_DIRECTORY | O_NOFOLLOW;
        int const fd = ::openat(at, component, how | O_CLOEXEC);
        if (fd < 0) {
            if (errno == ENOTDIR && !last) {  // O_DIRECTORY on a symlink
                struct ::stat st{};
                if (::fstatat(at, component, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode)) errno = ELOOP;
                else errno = ENOTDIR;
            }
            return -1;
        }
        if (last) return fd;
        held.reset(fd);
        at = fd;
        component = slash + 1;
    }
}

int open_piece(int dir_fd, path_buffer& piece, int flags, beneath_options options) noexcept {
    if (!openat2_missing.load(std::memory_order_relaxed)) {
        int const fd = openat2_once(dir_fd, piece.data(), flags, options);
        if (fd >= 0 || (errno != ENOSYS && errno != EPERM)) return fd;
        // EPERM is also an answer about the file (O_NOATIME); a sandbox that filters the call refuses "." as well.
        int const refused = errno;
        if (refused == EPERM) {
            int const probe = openat2_once(dir_fd, ".", O_PATH | O_DIRECTORY, {});
            if (probe >= 0) {
                ::close(probe);
                errno = refused;
                return -1;
            }
        }
        openat2_missing.store(true, std::memory_order_relaxed);
    }
    if (options.follow_links) {  // nothing else confines a followed link
        errno = ENOSYS;
        return -1;
    }
    return openat_stepwise(dir_fd, piece.data(), flags, options);
}

}  // namespace

std::uint64_t resolve_flags(beneath_options options) noexcept {
    std::uint64_t flags = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
    if (!options.follow_links) flags |= RESOLVE_NO_SYMLINKS;
    if (options.one_file_system) flags |= RESOLVE_NO_XDEV;
    if (options.cached_only) flags |= RESOLVE_CACHED;
    return flags;
}

result<unique_fd> open_beneath(int root_fd, std::string_view path, int flags, beneath_options options) noexcept {
    if (path.empty()) path = ".";
    path_buffer piece;
    unique_fd held;
    int at = root_fd;
    while (path.size() >= piece.size()) {  // enter a directory as deep as one call can name
        auto const cut = path.substr(0, piece.size() - 1).rfind('/');
        if (cut == std::string_view::npos) return from_errno(ENAMETOOLONG);
        std::memcpy(piece.data(), path.data(), cut);
        piece[cut] = '\0';
        unique_fd next{open_piece(at, piece, O_PATH | O_DIRECTORY, options)};
        if (!next) return last_errno();
        held = std::move(next);
        at = held.get();
        path.remove_prefix(cut + 1);
    }
    std::memcpy(piece.data(), path.data(), path.size());
    piece[path.size()] = '\0';
    int const fd = open_piece(at, piece, flags, options);
    if (fd < 0) return last_errno();
    return unique_fd{fd};
}

}  // namespace submitit
