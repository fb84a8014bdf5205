// SPDX-License-Identifier: Apache-2.0
#include "walk/walker.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/open_beneath.hpp"
#include "walk/xattr_reader.hpp"

namespace submitit::walk {

struct walker::frame {
    frame(std::size_t window, spill_file& spill) : names{window, spill} {}
    std::size_t parent_bytes = 0;  // of the parent's stored name, which begins this one's
    file_stat stat;
    unique_fd fd;  // open while this is the innermost directory
    bool follow_links = false;
    name_list names;
    std::string last;  // name given out last: getdents(2) may repeat one while the directory changes
};

namespace {

constexpr std::array<std::uint32_t, 7> endless_file_systems{PROC_SUPER_MAGIC,    SYSFS_MAGIC,   CGROUP_SUPER_MAGIC,
                                                            CGROUP2_SUPER_MAGIC, DEBUGFS_MAGIC, TRACEFS_MAGIC,
                                                            SECURITYFS_MAGIC};

bool gone(int error) noexcept { return error == ENOENT || error == ENOTDIR || error == ESTALE; }

result<file_stat> stat_at(int dir_fd, char const* name, bool follow = false) noexcept {
    struct ::stat st{};
    if (::fstatat(dir_fd, name, &st, follow ? 0 : AT_SYMLINK_NOFOLLOW) != 0) return last_errno();
    return to_file_stat(st);
}

result<file_stat> stat_of(int fd) noexcept {
    struct ::stat st{};
    if (::fstat(fd, &st) != 0) return last_errno();
    return to_file_stat(st);
}

result<std::string> read_link(int dir_fd, char const* name, std::uint64_t size_hint) {
    std::string target(std::max<std::uint64_t>(size_hint, 127) + 1, '\0');
    for (;;) {
        auto const n = ::readlinkat(dir_fd, name, target.data(), target.size());
        if (n < 0) return last_errno();
        if (static_cast<std::size_t>(n) < target.size()) {
            target.resize(static_cast<std::size_t>(n));
            return target;
        }
        target.resize(target.size() * 2);
    }
}

/// Opening a directory can meet the process's descriptor limit while the engine reads many files; its descriptors
/// come back by themselves, so wait for one rather than lose a directory.
template <class Open>
auto patiently(Open open) {
    for (int tries = 0;; ++tries) {
        auto opened = open();
        bool const out_of_descriptors =
            !opened && (opened.error() == from_errno(EMFILE) || opened.error() == from_errno(ENFILE));
        if (!out_of_descriptors || tries == 2000) return opened;
        ::usleep(1000);
    }
}

result<unique_fd> open_patiently(int root_fd, std::string_view path, int flags, beneath_options options) {
    return patiently([&] { return open_beneath(root_fd, path, flags, options); });
}

entry_kind kind_of(std::uint32_t mode) noexcept {
    switch (mode & S_IFMT) {
        case S_IFDIR: return entry_kind::directory;
        case S_IFLNK: return entry_kind::symlink;
        case S_IFIFO: return entry_kind::fifo;
        case S_IFCHR: return entry_kind::char_device;
        case S_IFBLK: return entry_kind::block_device;
        default: return entry_kind::file;
    }
}

/// "a/b/c/" -> "c"
std::string_view last_component(std::string_view directory) noexcept {
    if (directory.ends_with('/')) directory.remove_suffix(1);
    auto const slash = directory.rfind('/');
    return slash == std::string_view::npos ? directory : directory.substr(slash + 1);
}

}  // namespace

walker::walker(std::vector<source> sources, walk_options options)
    : sources_{std::move(sources)}, options_{std::move(options)} {}

walker::~walker() = default;

result<walker::found> walker::next(entry& out) {
    for (;;) {
        if (notices_bytes_ > options_.notices_bytes_max) return found::notices;
        if (options_.stopping && options_.stopping()) return found::end;
        if (has_pending_) {
            has_pending_ = false;
            if (auto const entered = descend(pending_); !entered) return failure{entered.error()};
            failed_source_.clear();
        }
        auto const got = frames_.empty() ? next_source(out) : next_in_directory(out);
        if (!got) return failure{got.error()};
        if (*got) {
            if (out.kind == entry_kind::directory) {
                pending_ = out;
                has_pending_ = true;
                if (out.name.empty()) continue;  // --prefix '': the root has no entry of its own
            }
            return found::entry;
        }
        if (frames_.empty() && next_source_ == sources_.size()) return found::end;
    }
}

/// Starts the next SOURCE: a directory's own entry, or a file's only one.
result<bool> walker::next_source(entry& out) {
    if (next_source_ == sources_.size()) return false;
    auto const& from = sources_[next_source_++];
    failed_source_ = from.given;
    if (from.is_directory || !file_root_) {
        auto opened = patiently([&from] { return open_root(from); });
        if (!opened) return failure{opened.error()};
        (from.is_directory ? root_ : file_root_) = std::move(*opened);
    }
    out = entry{};
    out.name = from.name;
    if (from.is_directory) {
        out.root = root_;
        auto const stat = stat_of(root_->fd.get());
        if (!stat) return failure{stat.error()};
        out.stat = *stat;
        out.kind = entry_kind::directory;
        if (!out.name.empty()) out.name += '/';
        root_name_bytes_ = static_cast<std::uint32_t>(out.name.size());
        out.path_offset = root_name_bytes_;
        selection_ = std::make_unique<selection>(options_.selection);
        decorate(root_->fd.get(), ".", out);
        return true;
    }
    out.root = file_root_;
    out.open_path = from.real_path.substr(1);
    auto const stat = stat_at(file_root_->fd.get(), out.open_path.c_str());
    if (!stat) return failure{stat.error()};
    failed_source_.clear();
    if (stat->is_directory() || S_ISLNK(stat->mode)) {
        note(notice_kind::replaced, out.name);
        return false;
    }
    out.stat = *stat;
    out.kind = kind_of(stat->mode);
    if (S_ISSOCK(stat->mode)) {
        note(notice_kind::socket, out.name);
        return false;
    }
    if (left_out(out)) return false;
    decorate(file_root_->fd.get(), out.open_path, out);
    return true;
}

result<bool> walker::next_in_directory(entry& out) {
    auto& in = *frames_.back();
    name_list::item item;
    do {
        auto const more = in.names.next(item);
        if (!more) return failure{more.error()};
        if (!*more) {
            pop_frame();
            return false;
        }
    } while (item.name == in.last);
    in.last = item.name;
    return describe(item, out);
}

/// Fills `out` for one name; false when it stays out (a notice says why, unless it was excluded).
bool walker::describe(name_list::item const& item, entry& out) {
    out = entry{};
    out.root = root_;
    out.name = directory_name_ + item.name;
    out.path_offset = root_name_bytes_;
    out.follow_links = frames_.back()->follow_links;
    int const dir_fd = directory_fd();
    if (dir_fd < 0) {
        note(gone(errno) ? notice_kind::vanished : notice_kind::unreadable, out.name, last_errno());
        return false;
    }
    auto const stat = stat_at(dir_fd, item.name.c_str());
    if (!stat) {
        note(gone(stat.error().value()) ? notice_kind::vanished : notice_kind::unreadable, out.name, stat.error());
        return false;
    }
    out.stat = *stat;
    if (options_.dereference && S_ISLNK(out.stat.mode) && !follow(out)) return false;
    if (S_ISSOCK(out.stat.mode)) {
        note(notice_kind::socket, out.name);
        return false;
    }
    out.kind = kind_of(out.stat.mode);
    if (left_out(out)) return false;
    if (out.kind == entry_kind::directory) out.name += '/';
    if (out.kind == entry_kind::symlink) {
        auto target = read_link(dir_fd, item.name.c_str(), out.stat.size);
        if (!target) {
            note(gone(target.error().value()) ? notice_kind::vanished : notice_kind::unreadable, out.name,
                 target.error());
            return false;
        }
        out.link_target = std::move(*target);
    }
    decorate(dir_fd, item.name, out);
    return true;
}

/// --dereference: replaces the link's stat by its target's when that lies beneath the source.
bool walker::follow(entry& out) {
    std::string_view path{out.name};
    path.remove_prefix(root_name_bytes_);
    auto const target = open_patiently(root_->fd.get(), path, O_PATH, {.follow_links = true});
    if (!target) {
        if (target.error() == from_errno(EXDEV)) {
            note(notice_kind::refused, out.name, {},
                 "left out: the link is absolute, or its target is outside the source");
        } else {
            note(gone(target.error().value()) ? notice_kind::vanished : notice_kind::unreadable, out.name,
                 target.error(), "the link leads nowhere");
        }
        return false;
    }
    auto const stat = stat_of(target->get());
    if (!stat) {
        note(notice_kind::unreadable, out.name, stat.error());
        return false;
    }
    if (stat->is_directory() && loops(*stat)) {
        note(notice_kind::refused, out.name, {}, "left out: the link leads back to a directory above it");
        return false;
    }
    out.stat = *stat;
    out.follow_links = true;
    return true;
}

bool walker::left_out(entry const& seen) {
    std::pair const identity{seen.stat.dev, seen.stat.ino};
    if (std::find(options_.own_outputs.begin(), options_.own_outputs.end(), identity) == options_.own_outputs.end())
        return false;
    note(notice_kind::own_output, seen.name);
    return true;
}

/// Enters the directory given last: opens, lists and sorts it. One that cannot be read keeps its entry, without contents.
result<> walker::descend(entry const& directory) {
    if (directory.name.size() > name_bytes_max) return {};  // nor is there room for the names in it
    auto made = std::make_unique<frame>(options_.window_bytes / 2, spill_);
    made->parent_bytes = directory_name_.size();
    made->stat = directory.stat;
    made->follow_links = directory.follow_links;
    bool const is_root = frames_.empty();
    auto opened = open_patiently(root_->fd.get(), directory.path(), O_RDONLY | O_DIRECTORY | O_NONBLOCK,
                                 {.follow_links = directory.follow_links});
    if (!opened) {
        if (is_root) return opened.error();
        bool const replaced = opened.error() == from_errno(ELOOP);
        note(replaced                       ? notice_kind::replaced
             : gone(opened.error().value()) ? notice_kind::vanished
                                            : notice_kind::unreadable,
             directory.name, opened.error());
        return {};
    }
    auto const stat = stat_of(opened->get());
    if (!stat || !stat->same_inode(directory.stat)) {
        note(notice_kind::replaced, directory.name);
        return {};
    }
    if (!is_root && (is_forbidden_mount(opened->get(), directory) || loops(*stat))) return {};
    auto const selected = is_root ? selection_->enter_root(opened->get(), sources_[next_source_ - 1].real_path)
                                  : selection_->enter(opened->get(), last_component(directory.name));
    if (is_root && selection_->root_ignored()) note(notice_kind::ignored_source, directory.name);
    if (!selected) note(notice_kind::unreadable, directory.name, selected.error(), "its ignore file cannot be read");
    made->fd = std::move(*opened);
    if (!frames_.empty()) frames_.back()->fd.reset();
    frames_.push_back(std::move(made));
    directory_name_ = directory.name;
    failed_source_.clear();
    if (auto const room = make_room(); !room) return room;
    return list(*frames_.back());
}

result<> walker::list(frame& into) {
    alignas(dirent64) std::array<char, 32 * 1024> buffer;
    for (;;) {
        auto const n = ::syscall(SYS_getdents64, into.fd.get(), buffer.data(), buffer.size());
        if (n < 0) {
            note(gone(errno) ? notice_kind::vanished : notice_kind::unreadable, directory_name_, last_errno());
            break;
        }
        if (n == 0 || (options_.stopping && options_.stopping())) break;
        for (long at = 0; at < n;) {
            auto const* const record = reinterpret_cast<dirent64 const*>(buffer.data() + at);
            at += record->d_reclen;
            std::string_view const name{record->d_name};
            if (name == "." || name == "..") continue;
            if (auto const listed = list_name(into, name, record->d_type); !listed) return listed;
        }
    }
    if (auto const now = stat_of(into.fd.get()); now && now->ctime != into.stat.ctime)
        note(notice_kind::changed, directory_name_, {}, "names came or went while the directory was listed");
    return into.names.sort();
}

/// Excluded names never take memory. A name's place in the order depends on whether it is a directory.
result<> walker::list_name(frame& into, std::string_view name, std::uint8_t type) {
    bool is_directory = type == DT_DIR;
    if (type == DT_UNKNOWN || (type == DT_LNK && options_.dereference)) {
        auto const stat = stat_at(into.fd.get(), std::string{name}.c_str());
        is_directory = stat && stat->is_directory();
        if (stat && S_ISLNK(stat->mode) && options_.dereference) {
            std::string path = directory_name_.substr(root_name_bytes_);
            path += name;
            auto const target = open_patiently(root_->fd.get(), path, O_PATH, {.follow_links = true});
            auto const followed = target ? stat_of(target->get()) : result<file_stat>{target.error()};
            is_directory = followed && followed->is_directory();
        }
    }
    if (selection_->excluded(name, is_directory)) return {};
    return into.names.add(name, type, is_directory);
}

bool walker::is_forbidden_mount(int dir_fd, entry const& directory) {
    auto const& parent = *frames_.back();
    if (directory.stat.dev == parent.stat.dev) return false;
    if (options_.one_file_system) {
        note(notice_kind::skipped_mount, directory.name, {}, "another file system (--one-file-system)");
        return true;
    }
    struct ::statfs fs{};
    if (::fstatfs(dir_fd, &fs) != 0) return false;
    auto const magic = static_cast<std::uint32_t>(fs.f_type);
    if (std::find(endless_file_systems.begin(), endless_file_systems.end(), magic) == endless_file_systems.end())
        return false;
    note(notice_kind::skipped_mount, directory.name, {}, "a kernel file system");
    return true;
}

bool walker::loops(file_stat const& directory) const noexcept {
    return std::any_of(frames_.begin(), frames_.end(),
                       [&](auto const& above) { return above->stat.same_inode(directory); });
}

/// The innermost directory's descriptor, opened again after a subdirectory was walked; -1 with errno.
int walker::directory_fd() {
    auto& of = *frames_.back();
    if (of.fd) return of.fd.get();
    std::string_view path{directory_name_};
    path.remove_prefix(root_name_bytes_);
    if (path.ends_with('/')) path.remove_suffix(1);
    auto opened = open_patiently(root_->fd.get(), path, O_PATH | O_DIRECTORY, {.follow_links = of.follow_links});
    if (!opened) {
        errno = opened.error().value();
        return -1;
    }
    auto const stat = stat_of(opened->get());
    if (!stat || !stat->same_inode(of.stat)) {
        errno = ENOENT;
        return -1;
    }
    of.fd = std::move(*opened);
    return of.fd.get();
}

/// Ancestors' listings share one window: what they hold beyond it goes to the spill file.
result<> walker::make_room() {
    std::size_t held = 0;
    for (std::size_t i = 0; i + 1 < frames_.size(); ++i) held += frames_[i]->names.memory_bytes();
    for (std::size_t i = 0; i + 1 < frames_.size() && held > options_.window_bytes / 2; ++i) {
        held -= frames_[i]->names.memory_bytes();
        if (auto const suspended = frames_[i]->names.suspend(); !suspended) return suspended;
    }
    return {};
}

void walker::decorate(int dir_fd, std::string_view name, entry& out) {
    if (options_.names) {
        out.owner = names_.user(out.stat.uid);
        out.group = names_.group(out.stat.gid);
    }
    bool const carries = out.kind == entry_kind::file || out.kind == entry_kind::directory;
    if (options_.xattrs == xattr_policy::none || (!carries && options_.xattrs != xattr_policy::all)) return;
    auto const lost = read_xattrs_at(dir_fd, name, out.follow_links, options_.xattrs == xattr_policy::all, out.xattrs);
    if (!lost.empty()) note(notice_kind::attribute_lost, out.name, {}, lost);
}

void walker::note(notice_kind kind, std::string path, error_code error, std::string detail) {
    notices_.push_back({kind, std::move(path), error, std::move(detail)});
    notices_bytes_ += notices_.back().footprint_bytes();
}

std::vector<notice> walker::take_notices() {
    notices_bytes_ = 0;
    return std::exchange(notices_, {});
}

void walker::pop_frame() {
    directory_name_.resize(frames_.back()->parent_bytes);
    frames_.pop_back();
    selection_->leave();
}

}  // namespace submitit::walk
