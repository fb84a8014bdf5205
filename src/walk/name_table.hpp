// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

namespace submitit::walk {

/// User and group names by number, asked once each (NSS may go over the network). Pointers it gives stay valid for its
/// life; null where a number has no name. One thread.
class name_table {
public:
    [[nodiscard]] std::string const* user(std::uint32_t uid);
    [[nodiscard]] std::string const* group(std::uint32_t gid);

private:
    std::unordered_map<std::uint32_t, std::string> users_;
    std::unordered_map<std::uint32_t, std::string> groups_;
};

}  // namespace submitit::walk
