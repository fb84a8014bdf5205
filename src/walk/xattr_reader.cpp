// SPDX-License-Identifier: Apache-2.0
#include "walk/xattr_reader.hpp"

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>

namespace submitit::walk {
namespace {

// Linux 6.13 (include/uapi/asm-generic/unistd.h); Debian 12's headers are older.
constexpr long sys_getxattrat = 464;
constexpr long sys_listxattrat = 465;

struct xattr_args {  // include/uapi/linux/xattr.h
    alignas(8) std::uint64_t value;
    std::uint32_t size;
    std::uint32_t flags;
};

std::atomic<bool> at_calls_missing{false};

struct place {
    int dir_fd;
    std::string name;       // for the *at calls
    std::string proc_path;  // for the others
    bool follow;            // read the target of a link instead of the link
};

ssize_t list_names(place const& at, char* into, std::size_t bytes) noexcept {
    if (!at_calls_missing.load(std::memory_order_relaxed)) {
        auto const n =
            ::syscall(sys_listxattrat, at.dir_fd, at.name.c_str(), at.follow ? 0 : AT_SYMLINK_NOFOLLOW, into, bytes);
        if (n >= 0 || (errno != ENOSYS && errno != EPERM)) return n;
        at_calls_missing.store(true, std::memory_order_relaxed);
    }
    auto const call = at.follow ? ::listxattr : ::llistxattr;
    return call(at.proc_path.c_str(), into, bytes);
}

ssize_t get_value(place const& at, char const* key, char* into, std::size_t bytes) noexcept {
    if (!at_calls_missing.load(std::memory_order_relaxed)) {
        xattr_args args{reinterpret_cast<std::uintptr_t>(into), static_cast<std::uint32_t>(bytes), 0};
        return ::syscall(sys_getxattrat, at.dir_fd, at.name.c_str(), at.follow ? 0 : AT_SYMLINK_NOFOLLOW, key, &args,
                         sizeof args);
    }
    auto const call = at.follow ? ::getxattr : ::lgetxattr;
    return call(at.proc_path.c_str(), key, into, bytes);
}

bool wanted(std::string_view key, bool all) noexcept {
    return all || !(key.starts_with("security.") || key.starts_with("trusted."));
}

bool unsupported_or_gone(int error) noexcept {
    return error == ENOTSUP || error == ENODATA || error == ENOENT || error == ENOTDIR || error == ELOOP ||
           error == EACCES;
}

}  // namespace

std::string read_xattrs_at(int dir_fd, std::string_view name, bool follow, bool all, std::vector<xattr>& out) {
    place const at{dir_fd, std::string{name}, "/proc/self/fd/" + std::to_string(dir_fd) + '/' + std::string{name},
                   follow};
    std::array<char, 1024> small;
    std::string large;
    char* keys = small.data();
    auto bytes = list_names(at, keys, small.size());
    if (bytes < 0 && errno == ERANGE) {
        large.resize(64 * 1024);  // XATTR_LIST_MAX
        keys = large.data();
        bytes = list_names(at, keys, large.size());
    }
    if (bytes < 0)
        return unsupported_or_gone(errno) ? std::string{}
                                          : std::string{"its attributes cannot be listed: "} + std::strerror(errno);

    std::string lost;
    std::size_t held = 0;
    for (char const* key = keys; key < keys + bytes; key += std::strlen(key) + 1) {
        std::string_view const text{key};
        if (!wanted(text, all)) continue;
        if (text.find('=') != std::string_view::npos) {
            lost = "an attribute whose name holds '=' cannot be stored";
            continue;
        }
        std::string value(256, '\0');
        auto n = get_value(at, key, value.data(), value.size());
        if (n < 0 && errno == ERANGE) {
            value.resize(64 * 1024);  // XATTR_SIZE_MAX
            n = get_value(at, key, value.data(), value.size());
        }
        if (n < 0) {
            if (!unsupported_or_gone(errno)) lost = std::string{"an attribute cannot be read: "} + std::strerror(errno);
            continue;
        }
        value.resize(static_cast<std::size_t>(n));
        value.shrink_to_fit();
        held += text.size() + value.size();
        if (held > xattr_bytes_max) {
            lost = "more than 256 KiB of attributes";
            break;
        }
        out.push_back({std::string{text}, std::move(value)});
    }
    std::sort(out.begin(), out.end(), [](xattr const& a, xattr const& b) { return a.name < b.name; });
    return lost;
}

}  // namespace submitit::walk
