// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "memory/budget.hpp"

namespace submitit::memory::test {

/// Holds a budget to "Starvation" of budget.hpp, for the tickets within their job's share of the pool. Shares are computed
/// anew, from what the ledger of watched_budget says after each event.
class starvation_watch {
public:
    /// One job that wants from the pool or holds some of it.
    struct member {
        job_id id = 0;
        std::uint64_t weight = 1;
        request held;         ///< from the pool
        bool waits = false;   ///< its next ticket wants from the pool
        ticket_seq next = 0;  ///< that ticket
        request wanted;
    };

    /// A ticket was granted from the pool; its number is for retired().
    [[nodiscard]] std::uint64_t granted() {
        in_flight_.insert(grants_);
        return grants_++;
    }
    void retired(std::uint64_t number) { in_flight_.erase(number); }

    /// After an event. `free` of the pool; `paused`: a booking waits.
    void look(std::vector<member> const& members, request free, bool paused);

    /// How often a ticket within its share was seen waiting.
    [[nodiscard]] std::uint64_t waits_seen() const noexcept { return waits_seen_; }

private:
    struct wait {
        ticket_seq seq = 0;
        std::uint64_t since = 0;  ///< grants from the pool when it began
    };
    void follow_shares(request pool, std::uint64_t weights, bool paused);

    std::uint64_t grants_ = 0;
    std::set<std::uint64_t> in_flight_;
    std::map<job_id, wait> waiting_;  ///< within their share
    request pool_;
    std::uint64_t weights_ = 0;
    std::uint64_t waits_seen_ = 0;
};

}  // namespace submitit::memory::test
