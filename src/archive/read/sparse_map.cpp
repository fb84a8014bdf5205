// SPDX-License-Identifier: Apache-2.0
#include "archive/read/sparse_map.hpp"

#include <algorithm>
#include <limits>

#include "base/check.hpp"

namespace submitit::archive::reader {

bool sparse_map::add(sparse_extent extent) {
    if (extent.offset < end_ || extent.length > std::numeric_limits<std::uint64_t>::max() - extent.offset) return false;
    end_ = extent.offset + extent.length;
    stored_ += extent.length;  // cannot overflow: extents do not overlap, so the sum is at most end_
    if (extents_.size() < extents_max) {
        extents_.push_back(extent);
    } else {
        complete_ = false;
    }
    return true;
}

void sparse_map::hole_up_to(std::uint64_t offset, entry_sink& sink) {
    if (offset > position_) sink.hole(offset - position_);
    position_ = std::max(position_, offset);
}

void sparse_map::place(std::span<std::byte const> bytes, entry_sink& sink) {
    while (!bytes.empty()) {
        SUBMITIT_CHECK(next_ < extents_.size());
        auto const& extent = extents_[next_];
        auto const room = extent.length - in_extent_;
        if (room == 0) {
            ++next_;
            in_extent_ = 0;
            continue;
        }
        hole_up_to(extent.offset, sink);
        auto const n = static_cast<std::size_t>(std::min<std::uint64_t>(room, bytes.size()));
        sink.data(bytes.first(n));
        bytes = bytes.subspan(n);
        in_extent_ += n;
        position_ += n;
    }
}

void sparse_map::close(std::uint64_t real_size, entry_sink& sink) { hole_up_to(real_size, sink); }

}  // namespace submitit::archive::reader
