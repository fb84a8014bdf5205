// SPDX-License-Identifier: Apache-2.0
#include "ceiling_list.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace submitit::perf {

void fail(char const* what) {
    std::perror(what);
    std::exit(1);
}

namespace {

void raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) fail("getrlimit");
    limit.rlim_cur = limit.rlim_max;
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) fail("setrlimit");
}

void add_file(work_list& list, std::size_t directory, char const* name) {
    struct stat st;
    if (::fstatat(list.directories[directory], name, &st, AT_SYMLINK_NOFOLLOW) != 0) fail(name);
    auto const size = static_cast<std::uint64_t>(st.st_size);
    list.files.push_back({directory, list.names.size(), size});
    list.names.append(name).push_back('\0');
    list.bytes += size;
}

void add_directory(work_list& list, int at, char const* name) {
    int const fd = ::openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) fail(name);
    DIR* const stream = ::fdopendir(fd);
    if (stream == nullptr) fail(name);
    std::size_t const self = list.directories.size();
    list.directories.push_back(fd);
    while (dirent const* const entry = ::readdir(stream)) {
        std::string_view const child = entry->d_name;
        if (child == "." || child == "..") continue;
        if (entry->d_type == DT_DIR) add_directory(list, fd, entry->d_name);
        if (entry->d_type == DT_REG) add_file(list, self, entry->d_name);
    }
}

}  // namespace

work_list list_tree(char const* root) {
    raise_descriptor_limit();
    work_list list;
    add_directory(list, AT_FDCWD, root);
    return list;
}

std::vector<std::vector<piece>> cut(work_list const& list, std::uint64_t unit_bytes) {
    std::vector<std::vector<piece>> units;
    std::uint64_t room = 0;
    for (std::size_t file = 0; file < list.files.size(); ++file) {
        std::uint64_t const size = list.files[file].size;
        if (unit_bytes == 0) {
            units.push_back({{file, 0, size}});
            continue;
        }
        for (std::uint64_t begin = 0; begin < size;) {
            if (room == 0) {
                units.emplace_back();
                room = unit_bytes;
            }
            std::uint64_t const taken = std::min(room, size - begin);
            units.back().push_back({file, begin, begin + taken});
            begin += taken;
            room -= taken;
        }
    }
    return units;
}

}  // namespace submitit::perf
