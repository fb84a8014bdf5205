// SPDX-License-Identifier: Apache-2.0
#include "base/spill_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

namespace submitit {

result<> spill_file::open() {
    if (fd_) return {};
    char const* const named = std::getenv("TMPDIR");
    std::string const dir = named != nullptr && *named != '\0' ? named : "/tmp";
    fd_.reset(::open(dir.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    if (fd_) return {};
    if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL) return last_errno();
    std::string name = dir + "/submitit-spill-XXXXXX";
    fd_.reset(::mkostemp(name.data(), O_CLOEXEC));
    if (!fd_) return last_errno();
    ::unlink(name.c_str());
    return {};
}

result<std::uint64_t> spill_file::append(std::span<std::byte const> bytes) {
    auto const start = size_;
    if (auto const written = write_at(start, bytes); !written) return written.error();
    return start;
}

result<> spill_file::write_at(std::uint64_t offset, std::span<std::byte const> bytes) {
    if (auto const opened = open(); !opened) return opened.error();
    while (!bytes.empty()) {
        auto const n = ::pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
        if (n < 0) {
            if (errno == EINTR) continue;
            return last_errno();
        }
        bytes = bytes.subspan(static_cast<std::size_t>(n));
        offset += static_cast<std::uint64_t>(n);
        if (offset > size_) size_ = offset;
    }
    return {};
}

result<> spill_file::read(std::uint64_t offset, std::span<std::byte> into) const {
    while (!into.empty()) {
        auto const n = ::pread(fd_.get(), into.data(), into.size(), static_cast<off_t>(offset));
        if (n < 0) {
            if (errno == EINTR) continue;
            return last_errno();
        }
        if (n == 0) return from_errno(EIO);
        into = into.subspan(static_cast<std::size_t>(n));
        offset += static_cast<std::uint64_t>(n);
    }
    return {};
}

}  // namespace submitit
