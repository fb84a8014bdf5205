// SPDX-License-Identifier: Apache-2.0
#include "io/scratch.hpp"

#include <dirent.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

namespace submitit::io::testing {
namespace {

void remove_tree(int parent, char const* name);

void write_all(int fd, bytes const& content) {
    std::size_t at = 0;
    while (at < content.size()) {
        auto const n = ::write(fd, content.data() + at, content.size() - at);
        REQUIRE(n > 0);
        at += static_cast<std::size_t>(n);
    }
}

}  // namespace

bytes pattern(std::size_t count, std::uint64_t seed) {
    bytes made(count);
    std::uint64_t state = seed * 0x9E3779B97F4A7C15U + 1;
    for (auto& byte : made) {
        state = state * 6364136223846793005U + 1442695040888963407U;
        byte = static_cast<std::byte>(state >> 56U);
    }
    return made;
}

scratch::scratch() {
    std::string name = "io-scratch-XXXXXX";
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
    REQUIRE(::chmod(path_.c_str(), 0755) == 0);
    fd_.reset(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    REQUIRE(fd_.get() >= 0);
}

scratch::~scratch() { remove_tree(AT_FDCWD, path_.c_str()); }

void scratch::put(std::string const& name, bytes const& content) const {
    unique_fd const file{::openat(fd(), name.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)};
    REQUIRE(file.get() >= 0);
    write_all(file.get(), content);
}

void scratch::directory(std::string const& name) const { REQUIRE(::mkdirat(fd(), name.c_str(), 0755) == 0); }

void scratch::symlink(std::string const& target, std::string const& name) const {
    REQUIRE(::symlinkat(target.c_str(), fd(), name.c_str()) == 0);
}

void scratch::fifo(std::string const& name) const { REQUIRE(::mkfifoat(fd(), name.c_str(), 0644) == 0); }

void scratch::remove(std::string const& name) const { REQUIRE(::unlinkat(fd(), name.c_str(), 0) == 0); }

void scratch::mode(std::string const& name, unsigned bits) const {
    REQUIRE(::fchmodat(fd(), name.c_str(), static_cast<mode_t>(bits), 0) == 0);
}

std::string scratch::put_deep(int depth, bytes const& content) const {
    std::string path;
    unique_fd at{::dup(fd())};
    for (int level = 0; level < depth; ++level) {
        std::string const name(200, static_cast<char>('a' + level % 26));
        REQUIRE(::mkdirat(at.get(), name.c_str(), 0755) == 0);
        at.reset(::openat(at.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        REQUIRE(at.get() >= 0);
        path += name + '/';
    }
    unique_fd const file{::openat(at.get(), "leaf", O_WRONLY | O_CREAT | O_CLOEXEC, 0644)};
    REQUIRE(file.get() >= 0);
    write_all(file.get(), content);
    return path + "leaf";
}

unique_fd scratch::open(std::string const& name) const {
    return unique_fd{::openat(fd(), name.c_str(), O_RDONLY | O_CLOEXEC)};
}

void scratch::chill(std::string const& name) const {
    auto const file = open(name);
    // Written back, but without the flush of the device that fdatasync(2) adds for every file.
    constexpr unsigned all = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
    REQUIRE(::sync_file_range(file.get(), 0, 0, all) == 0);
    REQUIRE(::posix_fadvise(file.get(), 0, 0, POSIX_FADV_DONTNEED) == 0);
}

namespace {

/// By descriptors, since the tree may be deeper than a path can say.
void remove_tree(int parent, char const* name) {
    if (::unlinkat(parent, name, 0) == 0) return;
    unique_fd const dir{::openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (!dir) return;
    DIR* const list = ::fdopendir(::dup(dir.get()));
    while (auto const* const entry = ::readdir(list)) {
        std::string_view const found = entry->d_name;
        if (found != "." && found != "..") remove_tree(dir.get(), entry->d_name);
    }
    ::closedir(list);
    ::unlinkat(parent, name, AT_REMOVEDIR);
}

}  // namespace

}  // namespace submitit::io::testing
