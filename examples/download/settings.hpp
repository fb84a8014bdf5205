// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace download {

/// What the command line says. Never changes while the server runs.
struct settings {
    std::string root;                                   ///< canonical
    bool store = false;                                 ///< zips are stored: with their length, ranges and validators
    int level = 1;                                      ///< of what is compressed
    double rate_min = 20'000;                           ///< bytes a second of a client; 0: any
    std::chrono::milliseconds patience{10'000};         ///< how long a client may be slower than that, or take nothing
    std::chrono::milliseconds header_deadline{10'000};  ///< for a whole request header
    std::chrono::milliseconds idle_deadline{30'000};    ///< between requests
    std::size_t connections_max = 1024;
};

/// What a connection may hold beside what its export has from the engine's budget: the header of a request, a piece of an
/// archive, and in the kernel what it is allowed here (which Linux doubles for its own records).
inline constexpr std::size_t header_bytes_max = 8U << 10U;
inline constexpr std::size_t piece_bytes = 16U << 10U;
inline constexpr int send_buffer_bytes = 64 << 10;
inline constexpr int receive_buffer_bytes = 16 << 10;

}  // namespace download
