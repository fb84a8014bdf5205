// SPDX-License-Identifier: Apache-2.0
#include "io/errno_text.hpp"

#include <cerrno>

#include "base/result.hpp"

namespace submitit::io {
namespace {

char const* symbol(int value) noexcept {
    switch (value) {
        case EPERM: return "EPERM";
        case EACCES: return "EACCES";
        case ENOSYS: return "ENOSYS";
        case ENOMEM: return "ENOMEM";
        case EMFILE: return "EMFILE";
        case ENFILE: return "ENFILE";
        case EINVAL: return "EINVAL";
        case EAGAIN: return "EAGAIN";
        case EIO: return "EIO";
        case EOPNOTSUPP: return "EOPNOTSUPP";
        default: return nullptr;
    }
}

}  // namespace

std::string errno_text(int value) {
    auto const* const known = symbol(value);
    return from_errno(value).message() + " (" + (known != nullptr ? known : "errno " + std::to_string(value)) + ")";
}

}  // namespace submitit::io
