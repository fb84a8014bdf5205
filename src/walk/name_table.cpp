// SPDX-License-Identifier: Apache-2.0
#include "walk/name_table.hpp"

#include <grp.h>
#include <pwd.h>

#include <array>

namespace submitit::walk {
namespace {

using lookup_buffer = std::array<char, 16 * 1024>;

std::string const* found(std::string const& name) noexcept { return name.empty() ? nullptr : &name; }

}  // namespace

std::string const* name_table::user(std::uint32_t uid) {
    auto const [at, fresh] = users_.try_emplace(uid);
    if (fresh) {
        lookup_buffer buffer;
        passwd record{};
        passwd* answer = nullptr;
        if (::getpwuid_r(uid, &record, buffer.data(), buffer.size(), &answer) == 0 && answer != nullptr)
            at->second = answer->pw_name;
    }
    return found(at->second);
}

std::string const* name_table::group(std::uint32_t gid) {
    auto const [at, fresh] = groups_.try_emplace(gid);
    if (fresh) {
        lookup_buffer buffer;
        ::group record{};
        ::group* answer = nullptr;
        if (::getgrgid_r(gid, &record, buffer.data(), buffer.size(), &answer) == 0 && answer != nullptr)
            at->second = answer->gr_name;
    }
    return found(at->second);
}

}  // namespace submitit::walk
