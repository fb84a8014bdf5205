// SPDX-License-Identifier: Apache-2.0
#include "support/temp_tree.hpp"

#include <dirent.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include "base/unique_fd.hpp"

namespace submitit::testing {
namespace {

/// By descriptors, so that paths longer than PATH_MAX go, too; what cannot be removed stays.
void remove_beneath(int dir_fd, char const* name) {
    int const fd = ::openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return;
    DIR* const listing = ::fdopendir(fd);
    while (auto const* const found = ::readdir(listing)) {
        std::string_view const inner{found->d_name};
        if (inner == "." || inner == "..") continue;
        if (::unlinkat(fd, found->d_name, 0) == 0) continue;
        remove_beneath(fd, found->d_name);
        ::unlinkat(fd, found->d_name, AT_REMOVEDIR);
    }
    ::closedir(listing);
}

}  // namespace

temp_tree::temp_tree() {
    auto pattern = (std::filesystem::temp_directory_path() / "submitit-test-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path_ = std::filesystem::canonical(pattern).string();
}

temp_tree::~temp_tree() {
    remove_beneath(AT_FDCWD, path_.c_str());
    ::rmdir(path_.c_str());
}

void temp_tree::make_parents(std::string_view name) const {
    if (auto const slash = name.rfind('/'); slash != std::string_view::npos) directory(name.substr(0, slash));
}

void temp_tree::put(std::string_view name, std::string_view content) const {
    make_parents(name);
    write_file(*this / name, content);
}

void temp_tree::directory(std::string_view name) const { std::filesystem::create_directories(*this / name); }

void temp_tree::symlink(std::string_view name, std::string const& target) const {
    make_parents(name);
    REQUIRE(::symlink(target.c_str(), (*this / name).c_str()) == 0);
}

void temp_tree::hard_link(std::string_view name, std::string_view existing) const {
    make_parents(name);
    REQUIRE(::link((*this / existing).c_str(), (*this / name).c_str()) == 0);
}

void temp_tree::fifo(std::string_view name) const {
    make_parents(name);
    REQUIRE(::mkfifo((*this / name).c_str(), 0644) == 0);
}

void temp_tree::socket(std::string_view name) const {
    make_parents(name);
    auto const where = *this / name;
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    REQUIRE(where.size() < sizeof address.sun_path);
    std::copy(where.begin(), where.end(), address.sun_path);
    unique_fd const made{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    REQUIRE(::bind(made.get(), reinterpret_cast<sockaddr const*>(&address), sizeof address) == 0);
}

void temp_tree::sparse(std::string_view name, std::uint64_t bytes) const {
    put(name);
    REQUIRE(::truncate((*this / name).c_str(), static_cast<off_t>(bytes)) == 0);
}

void temp_tree::mode(std::string_view name, mode_t bits) const { REQUIRE(::chmod((*this / name).c_str(), bits) == 0); }

void temp_tree::modified(std::string_view name, std::int64_t seconds, std::int64_t nanoseconds) const {
    std::array<timespec, 2> const times{timespec{seconds, nanoseconds}, timespec{seconds, nanoseconds}};
    REQUIRE(::utimensat(AT_FDCWD, (*this / name).c_str(), times.data(), AT_SYMLINK_NOFOLLOW) == 0);
}

bool temp_tree::attribute(std::string_view name, char const* key, std::string_view value) const {
    if (::lsetxattr((*this / name).c_str(), key, value.data(), value.size(), 0) == 0) return true;
    MESSAGE("the attribute ", key, " cannot be set here: what it would check is skipped");
    return false;
}

std::string temp_tree::read(std::string_view name) const { return read_file(*this / name); }

bool temp_tree::exists(std::string_view name) const {
    struct ::stat st{};
    return ::lstat((*this / name).c_str(), &st) == 0;
}

std::vector<std::string> temp_tree::names_in(std::string_view directory) const {
    std::vector<std::string> names;
    for (auto const& entry : std::filesystem::directory_iterator{*this / directory})
        names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
}

std::string noise(std::size_t bytes, std::uint64_t seed) {
    std::mt19937_64 random{seed};
    std::string text(bytes, '\0');
    for (auto& c : text) c = static_cast<char>(random() & 0xFFU);
    return text;
}

std::string prose(std::size_t bytes) {
    static constexpr std::array words{"the ",  "archive ", "holds ", "every ",
                                      "file ", "of a ",    "tree, ", "in order.\n"};
    std::mt19937_64 random{7};
    std::string text;
    while (text.size() < bytes) text += words[random() % words.size()];
    text.resize(bytes);
    return text;
}

std::string read_file(std::string const& path) {
    std::ifstream file{path, std::ios::binary};
    INFO("reading ", path);
    REQUIRE(file.good());
    return {std::istreambuf_iterator<char>{file}, {}};
}

void write_file(std::string const& path, std::string_view content) {
    unique_fd const file{::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)};
    INFO("writing ", path);
    REQUIRE(file);
    while (!content.empty()) {
        auto const n = ::write(file.get(), content.data(), content.size());
        REQUIRE(n > 0);
        content.remove_prefix(static_cast<std::size_t>(n));
    }
}

}  // namespace submitit::testing
