// SPDX-License-Identifier: Apache-2.0
#include "http/token.hpp"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>

#include "base/unique_fd.hpp"

namespace submitit::http {
namespace {

constexpr std::size_t token_bytes_max = 512;
constexpr std::size_t random_bytes = 32;

result<std::string> read_from(unique_fd const& file) {
    struct stat found{};
    if (::fstat(file.get(), &found) != 0) return failure{last_errno()};
    if (S_ISDIR(found.st_mode)) return failure{from_errno(EISDIR)};
    if ((found.st_mode & 077U) != 0) return failure{from_errno(EACCES)};
    std::array<char, token_bytes_max + 2> bytes{};
    auto const got = ::read(file.get(), bytes.data(), bytes.size());
    if (got < 0) return failure{last_errno()};
    std::string_view text{bytes.data(), static_cast<std::size_t>(got)};
    constexpr std::string_view white = " \t\r\n";
    auto const first = text.find_first_not_of(white);
    if (first == std::string_view::npos) return failure{from_errno(EINVAL)};
    text = text.substr(first, text.find_last_not_of(white) - first + 1);
    if (!is_token(text)) return failure{from_errno(EINVAL)};
    return std::string{text};
}

result<std::string> write_new(unique_fd const& file) {
    std::array<unsigned char, random_bytes> random{};
    if (::getrandom(random.data(), random.size(), 0) != static_cast<ssize_t>(random.size()))
        return failure{last_errno()};
    std::string token;
    for (auto const byte : random) {
        token += "0123456789abcdef"[byte >> 4U];
        token += "0123456789abcdef"[byte & 15U];
    }
    auto const line = token + '\n';
    if (::write(file.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size()))
        return failure{last_errno()};
    return token;
}

}  // namespace

bool is_token(std::string_view text) noexcept {
    bool const visible = std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7F'; });
    return visible && text.size() >= token_bytes_min && text.size() <= token_bytes_max;
}

result<std::string> read_token(std::string const& path) {
    unique_fd const file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    if (!file) return failure{last_errno()};
    return read_from(file);
}

result<std::string> read_or_make_token(std::string const& path) {
    unique_fd const made{::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
    if (made) return write_new(made);
    if (errno != EEXIST) return failure{last_errno()};
    return read_token(path);
}

}  // namespace submitit::http
