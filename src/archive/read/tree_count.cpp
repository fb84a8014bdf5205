// SPDX-License-Identifier: Apache-2.0
#include "archive/read/tree_count.hpp"

#include <dirent.h>
#include <fcntl.h>

#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include "base/open_beneath.hpp"

namespace submitit::archive::reader {
namespace {

constexpr std::size_t depth_max = 100;
constexpr std::uint64_t names_per_poll = 1024;

struct close_directory {
    void operator()(DIR* directory) const noexcept { ::closedir(directory); }
};
using directory_ptr = std::unique_ptr<DIR, close_directory>;

result<directory_ptr> open_directory(int parent, std::string_view name) {
    auto fd = open_beneath(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (!fd) return fd.error();
    directory_ptr opened{::fdopendir(fd->get())};
    if (!opened) return last_errno();
    static_cast<void>(fd->release());
    return opened;
}

/// d_type where the file system gives it, statx's word otherwise; `left_out` counts as nothing.
unsigned char type_of(int parent, ::dirent const& entry, file_stat const& left_out) {
    if (entry.d_type != DT_UNKNOWN && entry.d_ino != left_out.ino) return entry.d_type;
    struct ::stat st{};
    if (::fstatat(parent, entry.d_name, &st, AT_SYMLINK_NOFOLLOW) != 0) return DT_UNKNOWN;
    if (to_file_stat(st).same_inode(left_out)) return DT_UNKNOWN;
    return static_cast<unsigned char>(IFTODT(st.st_mode));
}

}  // namespace

result<std::optional<std::uint64_t>> count_files(int directory_fd, file_stat const& left_out,
                                                 std::function<bool()> const& cancelled,
                                                 std::function<void(std::string_view)> const& each) {
    std::vector<directory_ptr> open;
    std::string path;  // of the innermost directory, with a slash at its end
    auto root = open_directory(directory_fd, ".");
    if (!root) return root.error();
    open.push_back(std::move(*root));
    std::uint64_t files = 0;
    std::uint64_t names = 0;
    while (!open.empty()) {
        if (++names % names_per_poll == 0 && cancelled && cancelled()) return std::optional<std::uint64_t>{};
        errno = 0;
        auto* const entry = ::readdir(open.back().get());
        if (entry == nullptr) {
            if (errno != 0) return last_errno();
            open.pop_back();
            if (!path.empty()) path.pop_back();
            path.resize(path.rfind('/') + 1);  // npos + 1 is 0
            continue;
        }
        std::string_view const name = entry->d_name;
        if (name == "." || name == "..") continue;
        auto const parent = ::dirfd(open.back().get());
        auto const type = type_of(parent, *entry, left_out);
        if (type == DT_REG) {
            ++files;
            each(path + entry->d_name);
        }
        if (type != DT_DIR) continue;
        if (open.size() >= depth_max) return std::optional<std::uint64_t>{};
        auto child = open_directory(parent, name);
        if (!child) return child.error();
        open.push_back(std::move(*child));
        path.append(entry->d_name).push_back('/');
    }
    return std::optional<std::uint64_t>{files};
}

}  // namespace submitit::archive::reader
