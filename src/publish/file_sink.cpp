// SPDX-License-Identifier: Apache-2.0
#include "publish/file_sink.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>

#include "base/errc.hpp"

namespace submitit::publish {
namespace {

constexpr std::size_t random_letters = 6;
constexpr std::string_view infix = ".submitit-";
/// Writeback is started this often, so that the final fsync does not wait for the whole archive.
constexpr std::uint64_t writeback_bytes = 16U << 20U;

struct split_path {
    std::string directory;
    std::string name;
};

split_path split(std::string const& path) {
    auto const slash = path.rfind('/');
    if (slash == std::string::npos) return {".", path};
    return {slash == 0 ? "/" : path.substr(0, slash), path.substr(slash + 1)};
}

/// Follows symlinks in the last component, also dangling ones: the file they name is the target.
result<std::string> resolve_links(std::string path) {
    for (int hops = 0; hops < 40; ++hops) {
        std::array<char, PATH_MAX> target;
        auto const n = ::readlink(path.c_str(), target.data(), target.size());
        if (n < 0) return path;  // not a link, or nothing there
        std::string_view const to{target.data(), static_cast<std::size_t>(n)};
        path = to.starts_with('/') ? std::string{} : split(path).directory + '/';
        path += to;
    }
    return from_errno(ELOOP);
}

std::string random_suffix() {
    static constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyz0123456789";
    std::array<unsigned char, random_letters> bytes{};
    if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
        bytes[0] = static_cast<unsigned char>(::getpid() & 0xFF);
    std::string suffix;
    for (auto const byte : bytes) suffix += letters[byte % letters.size()];
    return suffix;
}

result<> write_all(int fd, std::span<std::byte const> bytes, std::uint64_t offset) {
    while (!bytes.empty()) {
        auto const n = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
        if (n < 0) {
            if (errno == EINTR) continue;
            return last_errno();
        }
        bytes = bytes.subspan(static_cast<std::size_t>(n));
        offset += static_cast<std::uint64_t>(n);
    }
    return {};
}

mode_t current_umask() noexcept {
    // umask(2) cannot be read without being set; /proc has it, and needs no change of the process.
    if (unique_fd const status{::open("/proc/self/status", O_RDONLY | O_CLOEXEC)}; status) {
        std::array<char, 512> text{};
        auto const n = ::read(status.get(), text.data(), text.size() - 1);
        if (n > 0) {
            std::string_view const lines{text.data(), static_cast<std::size_t>(n)};
            if (auto const at = lines.find("Umask:"); at != std::string_view::npos)
                return static_cast<mode_t>(std::strtoul(lines.data() + at + 6, nullptr, 8));
        }
    }
    auto const mask = ::umask(077);
    ::umask(mask);
    return mask;
}

}  // namespace

result<std::unique_ptr<file_sink>> file_sink::open(file_options options) {
    std::unique_ptr<file_sink> made{new file_sink{std::move(options)}};
    auto& path = made->options_.path;
    auto resolved = resolve_links(path);
    if (!resolved) return resolved.error();
    path = std::move(*resolved);
    auto const parts = split(path);
    made->name_ = parts.name;
    if (made->name_.empty() || made->name_ == "." || made->name_ == "..") return from_errno(EISDIR);
    made->directory_.reset(::open(parts.directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!made->directory_) return last_errno();

    struct ::stat st{};
    if (::fstatat(made->directory_.get(), made->name_.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0) {
        if (S_ISDIR(st.st_mode)) return from_errno(EISDIR);
        if (!made->options_.replace && !made->options_.next_name) return from_errno(EEXIST);
        if (made->options_.replace) {
            made->replaced_mode_ = st.st_mode & 07777U;
            made->replaced_ = {st.st_dev, st.st_ino};
        }
    } else if (errno != ENOENT) {
        return last_errno();
    }
    made->remove_stale_temporaries();
    if (auto const opened = made->open_temporary(); !opened) return opened.error();
    return made;
}

file_sink::~file_sink() {
    if (!temporary_.empty()) ::unlinkat(directory_.get(), temporary_.c_str(), 0);
}

result<> file_sink::open_temporary() {
    int const unnamed = ::openat(directory_.get(), ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (unnamed < 0) {
        auto const why = last_errno();
        bool const unknown = why == from_errno(EOPNOTSUPP) || why == from_errno(EISDIR) || why == from_errno(ENOENT) ||
                             why == from_errno(EINVAL);  // to this file system or kernel
        if (!unknown) return why;
    }
    file_.reset(unnamed);
    bool const unnamed_works = file_ && ::access("/proc/self/fd", X_OK) == 0;
    if (!unnamed_works) {
        auto const name = temporary_name();
        file_.reset(::openat(directory_.get(), name.c_str(), O_CREAT | O_EXCL | O_NOFOLLOW | O_RDWR | O_CLOEXEC, 0600));
        if (!file_) return last_errno();
        temporary_ = name;
    }
    // Held while this process lives: a later export knows by it whose temporary name is stale.
    static_cast<void>(::flock(file_.get(), LOCK_EX | LOCK_NB));
    return {};
}

std::string file_sink::temporary_name() const {
    auto const kept = std::min<std::size_t>(name_.size(), NAME_MAX - 1 - infix.size() - random_letters);
    return '.' + name_.substr(0, kept) + std::string{infix} + random_suffix();
}

void file_sink::remove_stale_temporaries() {
    auto const model = temporary_name();
    auto const prefix = std::string_view{model}.substr(0, model.size() - random_letters);
    int const fd = ::openat(directory_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return;
    DIR* const listing = ::fdopendir(fd);
    if (listing == nullptr) {
        ::close(fd);
        return;
    }
    while (auto const* const found = ::readdir(listing)) {
        std::string_view const name{found->d_name};
        if (name.size() != model.size() || !name.starts_with(prefix)) continue;
        unique_fd const stale{::openat(directory_.get(), found->d_name,
                                       O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};  // NFS locks no other
        if (stale && ::flock(stale.get(), LOCK_EX | LOCK_NB) == 0) ::unlinkat(directory_.get(), found->d_name, 0);
    }
    ::closedir(listing);
}

result<> file_sink::write(std::span<std::byte const> bytes) {
    if (auto const written = write_all(file_.get(), bytes, size_); !written) return written;
    size_ += bytes.size();
    if (options_.sync && size_ - flushed_ >= writeback_bytes) {
        ::sync_file_range(file_.get(), static_cast<off_t>(flushed_), static_cast<off_t>(size_ - flushed_),
                          SYNC_FILE_RANGE_WRITE);
        flushed_ = size_;
    }
    return {};
}

result<> file_sink::overwrite(std::uint64_t offset, std::span<std::byte const> bytes) {
    return write_all(file_.get(), bytes, offset);
}

result<> file_sink::cut_back(std::uint64_t size) {
    if (::ftruncate(file_.get(), static_cast<off_t>(size)) != 0) return last_errno();
    size_ = size;
    flushed_ = std::min(flushed_, size);
    return {};
}

mode_t file_sink::final_mode() const { return replaced_mode_.value_or(0666 & ~current_umask()); }

/// The content is on the disk before it has the name, and the name before this returns.
result<> file_sink::commit() {
    if (::fchmod(file_.get(), final_mode()) != 0) return last_errno();
    if (options_.sync && ::fsync(file_.get()) != 0) return last_errno();
    // Network file systems tell some write errors (EDQUOT) when a descriptor is closed: hear of them before the name is given.
    int const copy = ::fcntl(file_.get(), F_DUPFD_CLOEXEC, 0);
    if (copy >= 0 && ::close(copy) != 0) return last_errno();
    if (auto const named = give_name(); !named) return named;
    if (options_.sync && ::fsync(directory_.get()) != 0) return errc::name_not_synced;
    return {};
}

result<> file_sink::give_name() {
    if (options_.replace && replaced_) return replace_target();
    for (unsigned number = 2;; ++number) {
        auto const linked = link_as(name_);
        if (linked || linked.error() != from_errno(EEXIST)) return linked;
        if (options_.next_name) {
            options_.path = options_.next_name(number);
            name_ = split(options_.path).name;
        } else if (options_.replace) {  // it appeared meanwhile
            return replace_target();
        } else {
            return linked;
        }
    }
}

/// Gives the temporary `name`, which must be free (EEXIST).
result<> file_sink::link_as(std::string const& name) {
    if (temporary_.empty()) {
        auto const self = "/proc/self/fd/" + std::to_string(file_.get());
        if (::linkat(AT_FDCWD, self.c_str(), directory_.get(), name.c_str(), AT_SYMLINK_FOLLOW) != 0)
            return last_errno();
        return {};
    }
    if (::renameat2(directory_.get(), temporary_.c_str(), directory_.get(), name.c_str(), RENAME_NOREPLACE) != 0) {
        if (errno != EINVAL && errno != ENOSYS) return last_errno();
        if (::linkat(directory_.get(), temporary_.c_str(), directory_.get(), name.c_str(), 0) != 0) return last_errno();
        ::unlinkat(directory_.get(), temporary_.c_str(), 0);
    }
    temporary_.clear();
    return {};
}

result<> file_sink::replace_target() {
    if (temporary_.empty()) {
        auto const name = temporary_name();
        if (auto const linked = link_as(name); !linked) return linked;
        temporary_ = name;
    }
    if (::renameat(directory_.get(), temporary_.c_str(), directory_.get(), name_.c_str()) != 0) return last_errno();
    temporary_.clear();
    return {};
}

std::vector<std::pair<std::uint64_t, std::uint64_t>> file_sink::identities() const {
    std::vector<std::pair<std::uint64_t, std::uint64_t>> all;
    if (replaced_) all.push_back(*replaced_);
    struct ::stat st{};
    if (!temporary_.empty() && ::fstat(file_.get(), &st) == 0) all.emplace_back(st.st_dev, st.st_ino);
    return all;
}

}  // namespace submitit::publish
