// SPDX-License-Identifier: Apache-2.0
#include "walk/notice.hpp"

namespace submitit {

char const* to_string(notice_kind kind) noexcept {
    switch (kind) {
        case notice_kind::vanished: return "vanished";
        case notice_kind::changed: return "changed";
        case notice_kind::damaged: return "damaged";
        case notice_kind::unreadable: return "unreadable";
        case notice_kind::replaced: return "replaced";
        case notice_kind::refused: return "refused";
        case notice_kind::special: return "special";
        case notice_kind::name_warning: return "name_warning";
        case notice_kind::attribute_lost: return "attribute_lost";
        case notice_kind::unsupported: return "unsupported";
        case notice_kind::socket: return "socket";
        case notice_kind::skipped_mount: return "skipped_mount";
        case notice_kind::own_output: return "own_output";
        case notice_kind::ignored_source: return "ignored_source";
    }
    return "unknown";
}

}  // namespace submitit
