// SPDX-License-Identifier: Apache-2.0
#include "support/tree_snapshot.hpp"

#include <dirent.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "base/display_name.hpp"
#include "base/unique_fd.hpp"

namespace submitit::testing {
namespace {

using inode = std::pair<dev_t, ino_t>;

char kind_of(mode_t mode) {
    switch (mode & S_IFMT) {
        case S_IFREG: return '-';
        case S_IFDIR: return 'd';
        case S_IFLNK: return 'l';
        case S_IFIFO: return 'p';
        case S_IFSOCK: return 's';
        default: return '?';
    }
}

/// A read buffer that all share: the recursion has no room for it.
std::vector<char>& shared_buffer() {
    static std::vector<char> buffer(65536);
    return buffer;
}

std::uint64_t hash_of(int dir_fd, char const* name) {
    unique_fd const file{::openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)};
    REQUIRE(file);
    std::unique_ptr<XXH64_state_t, decltype(&XXH64_freeState)> const state{XXH64_createState(), &XXH64_freeState};
    XXH64_reset(state.get(), 0);
    auto& buffer = shared_buffer();
    for (;;) {
        auto const n = ::read(file.get(), buffer.data(), buffer.size());
        REQUIRE(n >= 0);
        if (n == 0) return XXH64_digest(state.get());
        XXH64_update(state.get(), buffer.data(), static_cast<std::size_t>(n));
    }
}

std::string link_target(int dir_fd, char const* name) {
    auto& target = shared_buffer();
    auto const n = ::readlinkat(dir_fd, name, target.data(), target.size());
    REQUIRE(n >= 0);
    return {target.data(), static_cast<std::size_t>(n)};
}

class snapshot_maker {
public:
    tree_snapshot all;

    void enter(int dir_fd, std::string const& prefix) {
        std::unique_ptr<DIR, int (*)(DIR*)> const listing{::fdopendir(dir_fd), &::closedir};
        REQUIRE(listing);
        std::set<std::string> names;
        while (auto const* const found = ::readdir(listing.get())) names.insert(found->d_name);
        for (auto const& name : names)
            if (name != "." && name != "..") add(dir_fd, name, prefix);
    }

    void add(int dir_fd, std::string const& name, std::string const& prefix) {
        struct ::stat st{};
        REQUIRE(::fstatat(dir_fd, name.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0);
        auto const stored = name == "." ? std::string{} : prefix + name;
        auto& node = all[stored];
        node.kind = kind_of(st.st_mode);
        node.mode = st.st_mode & 07777U;
        node.mtime = st.st_mtim.tv_sec;
        node.mtime_ns = st.st_mtim.tv_nsec;
        if (node.kind == '-') {
            node.size = static_cast<std::uint64_t>(st.st_size);
            node.hash = hash_of(dir_fd, name.c_str());
            if (st.st_nlink > 1) node.first_name = seen_.emplace(inode{st.st_dev, st.st_ino}, stored).first->second;
        }
        if (node.kind == 'l') node.target = link_target(dir_fd, name.c_str());
        if (node.kind != 'd') return;
        int const inner = ::openat(dir_fd, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        REQUIRE(inner >= 0);
        enter(inner, stored.empty() ? "" : stored + '/');
    }

private:
    std::map<inode, std::string> seen_;
};

std::string time_of(tree_node const& node, bool nanoseconds) {
    return std::to_string(node.mtime) + (nanoseconds ? '.' + std::to_string(node.mtime_ns) : std::string{});
}

bool compares_time(tree_node const& wanted, compare_rules const& rules) {
    if (wanted.kind == 'l') return rules.times && rules.link_times;
    return rules.times && (wanted.kind != 'd' || rules.directory_times);
}

std::string difference(tree_node const& wanted, tree_node const& found, compare_rules const& rules) {
    if (wanted.kind != found.kind) return std::string{"is "} + found.kind + ", was " + wanted.kind;
    if (wanted.size != found.size)
        return "has " + std::to_string(found.size) + " bytes, had " + std::to_string(wanted.size);
    if (wanted.hash != found.hash) return "has another content";
    if (wanted.target != found.target) return "points to " + found.target + ", pointed to " + wanted.target;
    bool const compares_mode = rules.modes && wanted.kind != 'l';
    if (compares_mode && ((wanted.mode ^ found.mode) & rules.mode_mask) != 0)
        return "has mode " + std::to_string(found.mode) + ", had " + std::to_string(wanted.mode) + " (decimal)";
    if (rules.hard_links && wanted.first_name != found.first_name)
        return "is linked with '" + found.first_name + "', was with '" + wanted.first_name + "'";
    if (compares_time(wanted, rules) && time_of(wanted, rules.nanoseconds) != time_of(found, rules.nanoseconds))
        return "has mtime " + time_of(found, true) + ", had " + time_of(wanted, true);
    return {};
}

}  // namespace

tree_snapshot snapshot(std::string const& root) {
    unique_fd const top{::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    INFO("root: ", root);
    REQUIRE(top);
    snapshot_maker maker;
    maker.add(top.get(), ".", "");
    return std::move(maker.all);
}

std::string differences(tree_snapshot const& wanted, tree_snapshot const& found, compare_rules rules) {
    std::string all;
    std::size_t count = 0;
    auto const add = [&](std::string const& name, std::string const& what) {
        if (!what.empty() && ++count <= 10) all += display_name(name) + ": " + what + '\n';
    };
    for (auto const& [name, node] : wanted) {
        auto const at = found.find(name);
        add(name, at == found.end() ? "is missing" : difference(node, at->second, rules));
    }
    for (auto const& [name, node] : found)
        if (!wanted.contains(name)) add(name, "was not in the source");
    if (count > 10) all += "and " + std::to_string(count - 10) + " more\n";
    return all;
}

}  // namespace submitit::testing
