// SPDX-License-Identifier: Apache-2.0
#include "memory/starvation_watch.hpp"

#include <doctest/doctest.h>

#include <algorithm>

namespace submitit::memory::test {

void starvation_watch::look(std::vector<member> const& members, request free, bool paused) {
    std::uint64_t weights = 0;
    request pool = free;
    for (auto const& one : members) {
        weights += one.weight;
        pool.bytes += one.held.bytes;
        pool.slots += one.held.slots;
    }
    follow_shares(pool, weights, paused);
    if (paused) return;
    auto const within = [&](std::uint64_t bytes, std::uint64_t slots, std::uint64_t weight) {
        return bytes <= pool.bytes / weights * weight && slots <= pool.slots * weight / weights;
    };
    bool const anyone_borrows = std::any_of(members.begin(), members.end(), [&](member const& one) {
        return !within(one.held.bytes, one.held.slots, one.weight);
    });
    for (auto const& one : members) {
        auto const bytes = one.held.bytes + one.wanted.bytes;
        if (!one.waits || !within(bytes, std::uint64_t{one.held.slots} + one.wanted.slots, one.weight)) {
            waiting_.erase(one.id);
            continue;
        }
        ++waits_seen_;
        if (!anyone_borrows)
            FAIL("starvation: a ticket within its job's share waits although nobody has more than his");
        auto const [at, is_new] = waiting_.try_emplace(one.id, wait{one.next, grants_});
        if (at->second.seq != one.next) at->second = {one.next, grants_};
        bool const all_others_are_newer = in_flight_.empty() || *in_flight_.begin() >= at->second.since;
        if (all_others_are_newer) FAIL("starvation: a ticket within its job's share was overtaken too often");
    }
}

/// The bound holds while shares do not become smaller: another job joins, or books, or waits for its booking.
void starvation_watch::follow_shares(request pool, std::uint64_t weights, bool paused) {
    bool const smaller = weights > weights_ || pool.bytes < pool_.bytes || pool.slots < pool_.slots;
    if (paused || smaller) waiting_.clear();
    pool_ = pool;
    weights_ = weights;
}

}  // namespace submitit::memory::test
