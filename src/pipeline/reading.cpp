// SPDX-License-Identifier: Apache-2.0
#include "pipeline/reading.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace submitit::pipeline {
namespace {

constexpr std::uint8_t attempts_max = 3;

bool is_media_error(error_code error) noexcept {
    return error.value() == EIO || error.value() == EUCLEAN || error.value() == EBADMSG;
}

walk::notice_kind kind_of(error_code error) noexcept {
    switch (error.value()) {
        case ENOENT:
        case ENOTDIR:
        case ESTALE: return walk::notice_kind::vanished;
        case ELOOP:
        case ENXIO:
        case EXDEV: return walk::notice_kind::replaced;
        default: return walk::notice_kind::unreadable;
    }
}

/// A fresh attempt over the whole range.
void start_over(io::read_op& op) noexcept {
    op.got = 0;
    op.error = {};
    op.stage = io::read_stage::open;
    op.before = {};
    op.after = {};
    op.next = nullptr;
    op.backend_fd = -1;
    op.retries = 0;
}

verdict leave_out(archive::content& of, walk::notice_kind why) noexcept {
    of.left_out = true;
    of.verdict = why;
    return verdict::settled;
}

verdict judge_error(archive::content& of) noexcept {
    if (is_media_error(of.op.error) && of.attempts == 0) {
        ++of.attempts;
        start_over(of.op);
        return verdict::try_again;
    }
    return leave_out(of, kind_of(of.op.error));
}

}  // namespace

verdict judge_whole(archive::content& of) noexcept {
    auto& op = of.op;
    auto& stat = of.entry->stat;
    if (op.error) return judge_error(of);
    if (!op.before.same_inode(stat)) return leave_out(of, walk::notice_kind::replaced);
    if (op.after.unchanged_since(stat) && op.got == stat.size) return verdict::settled;
    // It is another file's content than the walk described. Take the newer description and read once more; a file that
    // outgrew its room cannot be taken whole.
    bool const fits = op.after.size <= of.planned_bytes;
    auto const owner = std::pair{stat.uid, stat.gid};  // the walk's: names and header room were found for these
    auto const links = stat.nlink;
    stat = op.after;
    std::tie(stat.uid, stat.gid) = owner;
    if (links > 1) stat.nlink = std::max(stat.nlink, 2U);  // links to it may be planned, though it lost its other names
    if (fits && of.attempts < attempts_max) {
        ++of.attempts;
        op.bytes = op.after.size;
        start_over(op);
        return verdict::try_again;
    }
    of.changed = true;
    of.verdict = walk::notice_kind::changed;
    return verdict::settled;
}

verdict judge_segment(archive::content& of) noexcept {
    auto const& op = of.op;
    if (op.error) return judge_error(of);
    if (!op.before.same_inode(of.entry->stat)) return leave_out(of, walk::notice_kind::replaced);
    of.changed = !op.after.unchanged_since(of.entry->stat);
    return verdict::settled;
}

void collect_notices(std::vector<archive::content> const& contents, std::vector<walk::notice>& into) {
    for (auto const& one : contents) {
        if (one.left_out) {
            into.push_back({one.verdict, one.entry->name, one.op.error, {}});
        } else if (one.changed) {
            into.push_back({one.verdict, one.entry->name, {}, "modified while it was read"});
        }
    }
}

}  // namespace submitit::pipeline
