// SPDX-License-Identifier: Apache-2.0
#include "io/backend.hpp"

namespace submitit::io {

char const* to_string(backend_kind kind) noexcept {
    switch (kind) {
        case backend_kind::automatic: return "auto";
        case backend_kind::uring: return "uring";
        case backend_kind::threads: return "threads";
    }
    return "?";
}

result<backend_kind> parse_backend_kind(std::string_view text) noexcept {
    for (auto const kind : {backend_kind::automatic, backend_kind::uring, backend_kind::threads}) {
        if (text == to_string(kind)) return kind;
    }
    return from_errno(EINVAL);
}

}  // namespace submitit::io
