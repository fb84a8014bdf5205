// SPDX-License-Identifier: Apache-2.0
#include "walk/small_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/unique_fd.hpp"

namespace submitit::walk {
namespace {

bool means_absent(int error) noexcept {
    return error == ENOENT || error == ENOTDIR || error == ELOOP || error == ENXIO || error == ENODEV;
}

result<std::string> read_to_end(int fd, std::size_t expected_bytes, std::size_t bytes_max) {
    std::string content;
    std::size_t used = 0;
    content.resize(expected_bytes + 1);
    for (;;) {
        ssize_t const got = ::read(fd, content.data() + used, content.size() - used);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return last_errno();
        if (got == 0) break;
        used += static_cast<std::size_t>(got);
        if (used > bytes_max) return from_errno(EFBIG);
        if (used == content.size()) content.resize(std::min(2 * used, bytes_max) + 1);
    }
    content.resize(used);
    return content;
}

}  // namespace

result<std::optional<std::string>> read_small_file(int dir_fd, std::string const& name, small_file_options options) {
    int const flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | (options.follow_links ? 0 : O_NOFOLLOW);
    unique_fd const file{::openat(dir_fd, name.c_str(), flags)};
    if (!file && means_absent(errno)) return std::nullopt;
    if (!file) return last_errno();
    struct ::stat st{};
    if (::fstat(file.get(), &st) != 0) return last_errno();
    if (!S_ISREG(st.st_mode)) return std::nullopt;
    if (static_cast<std::size_t>(st.st_size) > options.bytes_max) return from_errno(EFBIG);
    auto content = read_to_end(file.get(), static_cast<std::size_t>(st.st_size), options.bytes_max);
    if (!content) return content.error();
    return std::optional<std::string>{std::move(*content)};
}

}  // namespace submitit::walk
