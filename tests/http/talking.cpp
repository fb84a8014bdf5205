// SPDX-License-Identifier: Apache-2.0
#include "http/talking.hpp"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "http/sample_snapshot.hpp"

namespace submitit::testing {

talker::talker(http::address const& to) {
    if (to.is_unix()) {
        socket_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_un name{};
        name.sun_family = AF_UNIX;
        std::copy(to.path.begin(), to.path.end(), name.sun_path);
        REQUIRE(::connect(socket_.get(), reinterpret_cast<sockaddr*>(&name), sizeof name) == 0);
    } else {
        socket_.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_in name{};
        name.sin_family = AF_INET;
        name.sin_port = htons(to.port);
        name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        REQUIRE(::connect(socket_.get(), reinterpret_cast<sockaddr*>(&name), sizeof name) == 0);
    }
    timeval const patience{10, 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
}

bool talker::say(std::string_view bytes) {
    return ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
}

bool talker::more() {
    std::array<char, 16384> piece{};
    ssize_t got = 0;
    do {  // a ring that this thread made interrupts calls with a timeout
        got = ::recv(socket_.get(), piece.data(), piece.size(), 0);
    } while (got < 0 && errno == EINTR);
    bool const late = got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
    REQUIRE_MESSAGE(!late, "the endpoint neither answers nor closes; so far: " << came_);
    if (got <= 0) return false;
    came_.append(piece.data(), static_cast<std::size_t>(got));
    return true;
}

std::string talker::rest() {
    while (more()) {
    }
    return std::exchange(came_, {});
}

std::string talker::until(std::string_view mark) {
    while (came_.find(mark) == std::string::npos && more()) {
    }
    auto const at = came_.find(mark);
    if (at == std::string::npos) return std::exchange(came_, {});
    auto front = came_.substr(0, at + mark.size());
    came_.erase(0, front.size());
    return front;
}

void talker::finish() { ::shutdown(socket_.get(), SHUT_WR); }

detail::status_limits patient_limits() {
    detail::status_limits limits;
    limits.request = limits.connection = limits.linger = limits.event_write = limits.event_every =
        std::chrono::minutes{5};
    limits.fresh = std::chrono::milliseconds{0};
    return limits;
}

http::hub_options on_loopback() {
    http::hub_options options;
    options.where = http::parse_address(":0").value();
    options.limits = patient_limits();
    return options;
}

std::unique_ptr<http::own_thread> serve(http::hub_options options) {
    auto made = http::own_thread::start(std::move(options), sample_snapshot);
    REQUIRE_MESSAGE(made.has_value(), made.error().message());
    return std::move(*made);
}

std::string host_of(http::address const& of) {
    return of.is_unix() ? "localhost" : of.host + ':' + std::to_string(of.port);
}

std::string get_request(http::address const& of, std::string const& path, std::string const& more) {
    return "GET " + path + " HTTP/1.1\r\nHost: " + host_of(of) + "\r\nConnection: close\r\n" + more + "\r\n";
}

std::string ask(http::own_thread const& endpoint, std::string const& request) {
    talker one{endpoint.where()};
    REQUIRE(one.say(request));
    one.finish();
    return one.rest();
}

int status_of(std::string const& answer) {
    int status = 0;
    if (answer.starts_with("HTTP/1.1 ")) std::from_chars(answer.data() + 9, answer.data() + answer.size(), status);
    return status;
}

std::string body_of(std::string const& answer) {
    auto const end = answer.find("\r\n\r\n");
    return end == std::string::npos ? std::string{} : answer.substr(end + 4);
}

}  // namespace submitit::testing
