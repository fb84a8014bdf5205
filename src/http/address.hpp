// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace submitit::http {

/// Where an endpoint listens, as it is written: "127.0.0.1:9464", "[::1]:9464", "localhost:9464", ":9464" (loopback), "unix:/path".
struct address {
    std::string host;  ///< a numeric address, without brackets; empty for a socket file
    std::uint16_t port = 0;
    std::string path;  ///< of the socket file

    [[nodiscard]] bool is_unix() const noexcept { return !path.empty(); }
    /// Whether only this machine reaches it.
    [[nodiscard]] bool is_local() const noexcept;
    /// As parse_address() reads it: "127.0.0.1:9464", "[::1]:9464" or "unix:/path".
    [[nodiscard]] std::string text() const;
    /// "http://127.0.0.1:9464/" or "unix:/path".
    [[nodiscard]] std::string url() const;
};

/// Nothing where it is none: no name but localhost, the port in digits, a path that fits a socket's name.
[[nodiscard]] std::optional<address> parse_address(std::string_view text);

}  // namespace submitit::http
