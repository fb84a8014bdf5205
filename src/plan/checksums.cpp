// SPDX-License-Identifier: Apache-2.0
#include "plan/checksums.hpp"

namespace submitit::plan {

std::optional<std::uint32_t> checksums::find(file_stat const& of) const {
    std::lock_guard const lock{mutex_};
    auto const at = known_.find({of.dev, of.ino});
    if (at == known_.end()) return std::nullopt;
    auto const& one = at->second;
    if (one.size != of.size || one.mtime != of.mtime || one.ctime != of.ctime) return std::nullopt;
    return one.crc;
}

void checksums::put(file_stat const& of, std::uint32_t crc) {
    std::lock_guard const lock{mutex_};
    if (entries_max_ == 0) return;
    auto const [at, fresh] = known_.insert_or_assign({of.dev, of.ino}, known{of.size, of.mtime, of.ctime, crc});
    if (!fresh) return;
    order_.push_back(at->first);
    if (order_.size() <= entries_max_) return;
    known_.erase(order_.front());
    order_.pop_front();
}

std::size_t checksums::size() const {
    std::lock_guard const lock{mutex_};
    return known_.size();
}

}  // namespace submitit::plan
