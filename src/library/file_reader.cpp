// SPDX-License-Identifier: Apache-2.0
#include "submitit/file_reader.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <limits>
#include <new>

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

#include "base/errc.hpp"
#include "library/shared_file.hpp"

namespace submitit::detail {
namespace {

error_code seekable(struct ::stat const& st) noexcept {
    if (S_ISREG(st.st_mode) || S_ISBLK(st.st_mode)) return {};
    return from_errno(S_ISDIR(st.st_mode) ? EISDIR : ENXIO);
}

/// A block device's own size is not in its inode. The file's position, which this moves, is used by nobody.
result<std::uint64_t> bytes_in(int fd, struct ::stat const& st) noexcept {
    if (!S_ISBLK(st.st_mode)) return static_cast<std::uint64_t>(st.st_size);
    auto const end = ::lseek(fd, 0, SEEK_END);
    if (end < 0) return last_errno();
    return static_cast<std::uint64_t>(end);
}

result<std::shared_ptr<shared_file>> open_file(std::shared_ptr<engine_core> engine, char const* path, bool direct) {
    // O_NONBLOCK: the open of a FIFO must not wait for its other end.
    unique_fd fd{::open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | (direct ? O_DIRECT : 0))};
    if (!fd) return last_errno();
    struct ::stat st{};
    if (::fstat(fd.get(), &st) != 0) return last_errno();
    if (auto const error = seekable(st)) return error;
    if (::fcntl(fd.get(), F_SETFL, direct ? O_DIRECT : 0) != 0) return last_errno();
    auto const bytes = bytes_in(fd.get(), st);
    if (!bytes) return bytes.error();
    return std::make_shared<shared_file>(std::move(fd), *bytes, !direct, std::move(engine));
}

}  // namespace

std::shared_ptr<shared_file> open_shared_file(std::shared_ptr<engine_core> engine, std::filesystem::path const& path,
                                              read_flags flags, error_code& error) {
    auto opened = open_file(std::move(engine), path.c_str(), flags == read_flags::direct);
    error = opened ? error_code{} : opened.error();
    return opened ? std::move(*opened) : nullptr;
}

std::uint64_t size_of(shared_file const* file, error_code& error) noexcept {
    struct ::stat st{};
    result<std::uint64_t> bytes{from_errno(EBADF)};
    if (file != nullptr) {
        if (::fstat(file->fd(), &st) == 0) bytes = bytes_in(file->fd(), st);
        else bytes = last_errno();
    }
    error = bytes ? error_code{} : bytes.error();
    return bytes ? *bytes : 0;
}

int descriptor_of(shared_file const* file) noexcept { return file == nullptr ? -1 : file->fd(); }

void throw_on(error_code error, char const* operation) {
    if (error) throw boost::system::system_error{error, operation};
}

}  // namespace submitit::detail
