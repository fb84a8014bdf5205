// SPDX-License-Identifier: Apache-2.0
#include "http/listener.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <cstring>

namespace submitit::http {
namespace {

constexpr int backlog = 16;
constexpr mode_t owner_only = 0600;

struct name_of_socket {
    sockaddr_storage bytes{};
    socklen_t size = 0;

    [[nodiscard]] sockaddr const* get() const noexcept { return reinterpret_cast<sockaddr const*>(&bytes); }
    [[nodiscard]] sockaddr* get() noexcept { return reinterpret_cast<sockaddr*>(&bytes); }
};

template <class Address>
name_of_socket made_of(Address const& address) {
    name_of_socket name;
    std::memcpy(&name.bytes, &address, sizeof address);
    name.size = sizeof address;
    return name;
}

name_of_socket name_for(address const& where) {
    if (where.is_unix()) {
        sockaddr_un local{};
        local.sun_family = AF_UNIX;
        std::copy(where.path.begin(), where.path.end(), local.sun_path);  // parse_address saw that it fits
        return made_of(local);
    }
    sockaddr_in four{};
    four.sin_family = AF_INET;
    four.sin_port = htons(where.port);
    if (::inet_pton(AF_INET, where.host.c_str(), &four.sin_addr) == 1) return made_of(four);
    sockaddr_in6 six{};
    six.sin6_family = AF_INET6;
    six.sin6_port = htons(where.port);
    ::inet_pton(AF_INET6, where.host.c_str(), &six.sin6_addr);
    return made_of(six);
}

std::uint16_t port_of(int socket) noexcept {
    name_of_socket name;
    name.size = sizeof name.bytes;
    if (::getsockname(socket, name.get(), &name.size) != 0) return 0;
    if (name.bytes.ss_family == AF_INET) return ntohs(reinterpret_cast<sockaddr_in const*>(&name.bytes)->sin_port);
    return ntohs(reinterpret_cast<sockaddr_in6 const*>(&name.bytes)->sin6_port);
}

/// Takes away a socket file that nobody answers on.
result<> clear_stale(std::string const& path, name_of_socket const& name) {
    struct stat found{};
    if (::lstat(path.c_str(), &found) != 0) return {};
    if (!S_ISSOCK(found.st_mode)) return from_errno(EEXIST);
    unique_fd const trial{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    if (!trial) return last_errno();
    if (::connect(trial.get(), name.get(), name.size) == 0 || errno != ECONNREFUSED) return from_errno(EADDRINUSE);
    if (::unlink(path.c_str()) != 0) return last_errno();
    return {};
}

}  // namespace

result<listener> listener::open(address where) {
    auto const name = name_for(where);
    int const family = name.bytes.ss_family;
    unique_fd socket{::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    if (!socket) return failure{last_errno()};
    if (where.is_unix()) {
        if (auto const cleared = clear_stale(where.path, name); !cleared) return failure{cleared.error()};
        // unix(7): the file gets the mode that the socket has before it is bound, so it is never wider.
        if (::fchmod(socket.get(), owner_only) != 0) return failure{last_errno()};
    } else {
        int const on = 1;
        ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        if (family == AF_INET6) ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    }
    if (::bind(socket.get(), name.get(), name.size) != 0) return failure{last_errno()};
    listener made{std::move(where), std::move(socket), family};
    struct stat file{};
    if (made.where_.is_unix() && ::lstat(made.where_.path.c_str(), &file) == 0) {
        made.device_ = file.st_dev;
        made.inode_ = file.st_ino;
    }
    if (::listen(made.socket_.get(), backlog) != 0) return failure{last_errno()};
    if (!made.where_.is_unix()) made.where_.port = port_of(made.socket_.get());
    return made;
}

listener::listener(listener&& other) noexcept
    : where_{other.where_},
      socket_{std::move(other.socket_)},
      family_{other.family_},
      device_{other.device_},
      inode_{std::exchange(other.inode_, 0)} {}

listener::~listener() {
    struct stat file{};
    if (inode_ == 0 || ::lstat(where_.path.c_str(), &file) != 0) return;
    if (file.st_ino == inode_ && file.st_dev == device_) ::unlink(where_.path.c_str());
}

}  // namespace submitit::http
