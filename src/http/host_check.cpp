// SPDX-License-Identifier: Apache-2.0
#include "http/host_check.hpp"

#include "http/negotiation.hpp"

namespace submitit::http {
namespace {

constexpr std::string_view scheme = "http://";

/// "HOST:PORT" of "http://HOST:PORT/path"; empty for "/path".
std::string_view authority_of(std::string_view target) {
    if (!equal_ignoring_case(target.substr(0, scheme.size()), scheme)) return {};
    target.remove_prefix(scheme.size());
    return target.substr(0, target.find_first_of("/?#"));
}

bool is_loopback_name(std::string_view host, address const& where) {
    auto const port = ':' + std::to_string(where.port);
    auto const is = [&](std::string const& name) {
        return equal_ignoring_case(host, name + port) || (where.port == 80 && equal_ignoring_case(host, name));
    };
    bool const six = where.host.find(':') != std::string::npos;
    return is("localhost") || is("127.0.0.1") || is("[::1]") || is(six ? '[' + where.host + ']' : where.host);
}

}  // namespace

int refusal_by_host(request const& said, address const& where) {
    if (said.hosts.size() != 1 || said.hosts.front().empty()) return 400;
    auto const& host = said.hosts.front();
    if (host.find_first_of(" \t,@/") != std::string::npos) return 400;
    if (!said.target.starts_with('/')) {
        auto const authority = authority_of(said.target);
        if (authority.empty() || !equal_ignoring_case(authority, host)) return 400;
    }
    if (where.is_unix() || !where.is_local()) return 0;
    return is_loopback_name(host, where) ? 0 : 421;
}

std::string_view path_of(std::string_view target) {
    if (auto const authority = authority_of(target); !authority.empty()) {
        target.remove_prefix(scheme.size() + authority.size());
        if (!target.starts_with('/')) return "/";
    }
    return target.substr(0, target.find_first_of("?#"));
}

bool is_own_origin(std::string_view origin, request const& said) {
    return equal_ignoring_case(origin, std::string{scheme} + said.hosts.front());
}

}  // namespace submitit::http
