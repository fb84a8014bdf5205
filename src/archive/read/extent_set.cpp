// SPDX-License-Identifier: Apache-2.0
#include "archive/read/extent_set.hpp"

#include <iterator>

namespace submitit::archive::reader {

extent_set::added extent_set::add(std::uint64_t start, std::uint64_t end) {
    if (start >= end) return added::fine;
    auto const next = pieces_.lower_bound(start);
    auto const before = next == pieces_.begin() ? pieces_.end() : std::prev(next);
    if (next != pieces_.end() && next->first < end) return added::overlaps;
    if (before != pieces_.end() && before->second > start) return added::overlaps;
    bool const joins_before = before != pieces_.end() && before->second == start;
    bool const joins_next = next != pieces_.end() && next->first == end;
    if (!joins_before && !joins_next && pieces_.size() >= pieces_max_) return added::full;
    covered_ += end - start;
    auto const last = joins_next ? next->second : end;
    if (joins_next) pieces_.erase(next);
    if (joins_before) {
        before->second = last;
    } else {
        pieces_.emplace(start, last);
    }
    return added::fine;
}

}  // namespace submitit::archive::reader
