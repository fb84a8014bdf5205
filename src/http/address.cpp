// SPDX-License-Identifier: Apache-2.0
#include "http/address.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <charconv>

namespace submitit::http {
namespace {

constexpr std::string_view unix_prefix = "unix:";

std::optional<std::uint16_t> parse_port(std::string_view digits) {
    std::uint16_t port = 0;
    auto const [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
    return port;
}

template <class Binary>
bool is_numeric(int family, std::string const& text, Binary& into) {
    return ::inet_pton(family, text.c_str(), &into) == 1;
}

}  // namespace

bool address::is_local() const noexcept {
    if (is_unix()) return true;
    in_addr four{};
    in6_addr six{};
    if (is_numeric(AF_INET, host, four)) return ntohl(four.s_addr) >> 24U == 127;
    return is_numeric(AF_INET6, host, six) && IN6_IS_ADDR_LOOPBACK(&six);
}

std::string address::text() const {
    if (is_unix()) return std::string{unix_prefix} + path;
    bool const six = host.find(':') != std::string::npos;
    return (six ? '[' + host + ']' : host) + ':' + std::to_string(port);
}

std::string address::url() const { return is_unix() ? text() : "http://" + text() + '/'; }

std::optional<address> parse_address(std::string_view text) {
    address made;
    if (text.starts_with(unix_prefix)) {
        made.path = text.substr(unix_prefix.size());
        bool const fits = !made.path.empty() && made.path.size() < sizeof(sockaddr_un::sun_path);
        return fits && made.path.find('\0') == std::string::npos ? std::optional{made} : std::nullopt;
    }
    auto const colon = text.rfind(':');
    if (colon == std::string_view::npos) return std::nullopt;
    auto const port = parse_port(text.substr(colon + 1));
    if (!port) return std::nullopt;
    made.port = *port;
    made.host = text.substr(0, colon);
    if (made.host.empty() || made.host == "localhost") made.host = "127.0.0.1";
    in_addr four{};
    in6_addr six{};
    if (is_numeric(AF_INET, made.host, four)) return made;
    if (!made.host.starts_with('[') || !made.host.ends_with(']')) return std::nullopt;
    made.host = made.host.substr(1, made.host.size() - 2);
    return is_numeric(AF_INET6, made.host, six) ? std::optional{made} : std::nullopt;
}

}  // namespace submitit::http
