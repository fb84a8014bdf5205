// SPDX-License-Identifier: Apache-2.0
#include "archive/read/against.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>

#include "archive/read/tree_count.hpp"
#include "base/display_name.hpp"
#include "base/open_beneath.hpp"

namespace submitit::archive::reader {
namespace {

constexpr std::size_t only_there_max = 10;

char kind_of(file_stat const& stat) {
    switch (stat.mode & S_IFMT) {
        case S_IFREG: return '-';
        case S_IFDIR: return 'd';
        case S_IFLNK: return 'l';
        case S_IFIFO: return 'p';
        case S_IFCHR: return 'c';
        case S_IFBLK: return 'b';
        default: return 's';
    }
}

std::string word_for(char kind) {
    switch (kind) {
        case '-': return "a file";
        case 'd': return "a directory";
        case 'l': return "a symbolic link";
        case 'p': return "a FIFO";
        case 'c':
        case 'b': return "a device";
        case 'h': return "a hard link";
        default: return "something else";
    }
}

std::string real_base_name(std::string const& path) {
    std::unique_ptr<char, decltype(&std::free)> const real{::realpath(path.c_str(), nullptr), &std::free};
    if (!real) return {};
    std::string const text = real.get();
    return text.substr(text.find_last_of('/') + 1);
}

std::string read_link(int fd) {
    std::array<char, PATH_MAX> buffer{};
    auto const n = ::readlinkat(fd, "", buffer.data(), buffer.size());
    return n < 0 ? std::string{} : std::string{buffer.data(), static_cast<std::size_t>(n)};
}

}  // namespace

result<std::unique_ptr<against>> against::open(session& run, file_stat const& archive) {
    auto const& path = run.options().against;
    unique_fd directory{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (!directory) return last_errno();
    return std::unique_ptr<against>{new against{run, std::move(directory), real_base_name(path), archive}};
}

against::against(session& run, unique_fd directory, std::string name, file_stat const& archive)
    : run_{run},
      directory_{std::move(directory)},
      directory_name_{std::move(name)},
      shown_{display_name(run.options().against)},
      archive_{archive},
      compare_{run.options().cancelled} {}

void against::problem(std::string message) { static_cast<void>(run_.problem(path_, std::move(message))); }

/// Opens the entry of that name itself (a link is not followed) for looking at, not for reading.
result<unique_fd> against::find(std::string const& path, file_stat& stat) {
    auto fd = open_beneath(directory_.get(), path, O_PATH | O_NOFOLLOW);
    if (!fd) return fd;
    struct ::stat st{};
    if (::fstat(fd->get(), &st) != 0) return last_errno();
    stat = to_file_stat(st);
    return fd;
}

void against::begin(entry_info const& entry) {
    compare_.stop();
    target_is_content_ = false;
    path_ = entry.path;
    auto const stored = path_below(entry.path);
    if (!stored) return problem("is a name that leads out of " + shown_);
    if (!names_.settled())
        names_.settle(*stored, entry.kind == 'd', directory_name_, [this](std::string_view name) {
            file_stat stat;
            return find(std::string{name}, stat).has_value();
        });
    auto const path = names_.map(*stored);
    if (!path) return problem("lies beside " + display_name(names_.root()) + "/, which stands for " + shown_);
    if (entry.kind == '-' || entry.kind == 'h') ++files_;
    seen_.add(*path);
    file_stat stat;
    auto const fd = find(*path, stat);
    if (fd) return compare_found(entry, *path, fd->get(), stat);
    if (fd.error().value() == ENOENT || fd.error().value() == ENOTDIR) return problem("is missing in " + shown_);
    problem("cannot be found in " + shown_ + ": " + fd.error().message());
}

void against::compare_found(entry_info const& entry, std::string const& path, int fd, file_stat const& stat) {
    auto const kind = kind_of(stat);
    if (entry.kind == '?') return;
    if (entry.kind != 'h' && entry.kind != kind)
        return problem("is " + word_for(kind) + " in " + shown_ + ", " + word_for(entry.kind) + " in the archive");
    if (entry.kind == '-') return start_content(entry, path, stat);
    if (entry.kind == 'h') return compare_hard_link(entry, path, stat);
    if (entry.kind != 'l') return;
    link_there_ = read_link(fd);
    link_stored_.clear();
    target_is_content_ = entry.link_target.empty();
    if (!target_is_content_) compare_target(entry.link_target);
}

void against::start_content(entry_info const& entry, std::string const& path, file_stat const& stat) {
    if (entry.size && *entry.size != stat.size)
        return problem("is " + count_bytes(stat.size) + " in " + shown_ + ", " + std::to_string(*entry.size) +
                       " in the archive");
    // O_NONBLOCK: should the file have become a FIFO since, the open must not hang.
    auto file = open_beneath(directory_.get(), path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (!file) return problem("cannot be read in " + shown_ + ": " + file.error().message());
    compare_.start(std::move(*file));
}

void against::compare_hard_link(entry_info const& entry, std::string const& path, file_stat const& stat) {
    auto const stored = path_below(entry.link_target);
    auto const target = stored ? names_.map(*stored) : std::nullopt;
    if (!target) return problem("is a hard link to a name that leads out of " + shown_);
    file_stat other;
    if (auto const found = find(*target, other); !found)
        return problem("is a hard link to " + display_name(entry.link_target) + ", which cannot be found in " + shown_);
    if (!stat.same_inode(other)) {
        if (!stat.is_regular() || !other.is_regular())
            return problem("is a hard link to " + display_name(entry.link_target) + ", but not the same file in " +
                           shown_);
        compare_files(path, *target);
    }
    if (entry.size.value_or(0) != 0) start_content(entry, path, stat);
}

/// Two names that are one file in the archive may be two in the directory, if they are equal.
void against::compare_files(std::string const& path, std::string const& target) {
    auto file = open_beneath(directory_.get(), path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    auto const other = open_beneath(directory_.get(), target, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (!file || !other) return problem("cannot be read in " + shown_);
    compare_.start(std::move(*file));
    std::array<std::byte, 64 * 1024> buffer;
    std::string why;
    for (off_t at = 0; compare_.active() && why.empty();) {
        auto const n = ::pread(other->get(), buffer.data(), buffer.size(), at);
        if (n < 0 && errno == EINTR) continue;
        if (run_.cancelled()) return compare_.stop();
        if (n <= 0) {
            why = compare_.end();
            break;
        }
        why = compare_.data(std::span{buffer}.first(static_cast<std::size_t>(n)));
        at += n;
    }
    if (!why.empty()) problem("is a hard link in the archive; in " + shown_ + " it is a file of its own that " + why);
}

void against::compare_target(std::string const& target) {
    if (target != link_there_)
        problem("points to " + display_name(link_there_) + " in " + shown_ + ", to " + display_name(target) +
                " in the archive");
}

void against::data(std::span<std::byte const> bytes) {
    if (target_is_content_) {
        // One byte more than any link can have is enough to be different.
        for (auto const b : bytes.first(
                 std::min(bytes.size(), PATH_MAX + 1 - std::min<std::size_t>(PATH_MAX + 1, link_stored_.size()))))
            link_stored_.push_back(std::to_integer<char>(b));
        return;
    }
    if (!compare_.active()) return;
    if (auto why = compare_.data(bytes); !why.empty()) problem(std::move(why));
}

void against::hole(std::uint64_t bytes) {
    if (!compare_.active()) return;
    if (auto why = compare_.hole(bytes); !why.empty()) problem(std::move(why));
}

void against::end() {
    if (target_is_content_) {
        target_is_content_ = false;
        return compare_target(link_stored_);
    }
    if (!compare_.active()) return;
    if (auto why = compare_.end(); !why.empty()) problem(std::move(why));
}

void against::finish() {
    path_.clear();
    compare_.stop();
    if (!names_.covers_all()) return;
    bool const all_as_there = run_.report().problem_count == 0;
    std::size_t named = 0;
    auto const files = count_files(directory_.get(), archive_, run_.options().cancelled, [&](std::string_view path) {
        if (named == only_there_max || seen_.may_have(path)) return;
        ++named;
        path_ = names_.root().empty() ? path : names_.root() + '/' + std::string{path};
        problem("is only in " + shown_);
    });
    path_.clear();
    if (!files) return problem(shown_ + " cannot be read whole: " + files.error().message());
    if (!*files) return run_.note(shown_ + " is too deep for its files to be counted");
    if (**files != files_)
        problem(shown_ + " has " + std::to_string(**files) + (**files == 1 ? " file" : " files") + ", the archive " +
                std::to_string(files_) +
                (all_as_there && **files > files_
                     ? ". What the archive has is as there; an export with --exclude, --gitignore or warnings leaves "
                       "names out"
                     : ""));
}

}  // namespace submitit::archive::reader
