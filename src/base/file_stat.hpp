// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/stat.h>

#include <cstdint>

namespace submitit {

/// Seconds since the epoch (may be negative) and 0..999999999 nanoseconds.
struct timestamp {
    std::int64_t seconds = 0;
    std::uint32_t nanoseconds = 0;
    bool operator==(timestamp const&) const = default;
};

/// What the engine keeps of a stat(2): identity, and what decides whether a file changed.
struct file_stat {
    std::uint64_t dev = 0;
    std::uint64_t ino = 0;
    std::uint64_t size = 0;
    std::uint64_t rdev = 0;
    timestamp mtime;
    timestamp ctime;
    std::uint32_t mode = 0;  ///< st_mode, type bits included
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::uint32_t nlink = 0;

    [[nodiscard]] bool is_regular() const noexcept { return S_ISREG(mode); }
    [[nodiscard]] bool is_directory() const noexcept { return S_ISDIR(mode); }
    [[nodiscard]] bool same_inode(file_stat const& other) const noexcept {
        return dev == other.dev && ino == other.ino;
    }

    /// CLI.md's "unchanged": dev, ino, size, mtime, ctime and mode equal. A ctime that moved together with
    /// nlink alone is a hard link made meanwhile, not a change of content.
    [[nodiscard]] bool unchanged_since(file_stat const& before) const noexcept {
        return same_inode(before) && size == before.size && mtime == before.mtime && mode == before.mode &&
               (ctime == before.ctime || nlink != before.nlink);
    }
};

[[nodiscard]] inline file_stat to_file_stat(struct ::stat const& st) noexcept {
    file_stat out;
    out.dev = st.st_dev;
    out.ino = st.st_ino;
    out.size = static_cast<std::uint64_t>(st.st_size);
    out.rdev = st.st_rdev;
    out.mtime = {st.st_mtim.tv_sec, static_cast<std::uint32_t>(st.st_mtim.tv_nsec)};
    out.ctime = {st.st_ctim.tv_sec, static_cast<std::uint32_t>(st.st_ctim.tv_nsec)};
    out.mode = st.st_mode;
    out.uid = st.st_uid;
    out.gid = st.st_gid;
    out.nlink = static_cast<std::uint32_t>(st.st_nlink);
    return out;
}

}  // namespace submitit
