// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <random>
#include <vector>

#include "memory/watched_budget.hpp"

using namespace submitit::memory;
using submitit::memory::test::watched_budget;

namespace {

/// One random life of a budget: jobs come, ask, finish in any order, stall, are cancelled and go. watched_budget
/// checks every event; this only has to keep going until nothing is left to do.
class simulation {
public:
    explicit simulation(std::uint64_t seed) : random_{seed}, budget_{make_budget()} {}

    void run() {
        bool const all_at_once = below(4) == 0;
        while (live_.size() < 64 && opened_ < plans_.size() && (all_at_once || below(3) != 0)) open_next();
        while (!live_.empty() || plans_.size() > opened_) {
            if (opened_ < plans_.size() && live_.size() < 64 && (live_.empty() || below(30) == 0)) open_next();
            step();
        }
        budget_.check_all_returned();
    }

    [[nodiscard]] watched_budget const& budget() const { return budget_; }
    [[nodiscard]] std::size_t most_jobs() const { return most_jobs_; }

private:
    struct plan {
        booking terms;
        std::uint64_t tickets = 0;
        bool stalls = false;  ///< finishes tickets only when nobody else can move
    };

    std::uint64_t below(std::uint64_t n) { return random_() % n; }
    std::uint64_t between(std::uint64_t low, std::uint64_t high) { return low + below(high - low + 1); }

    booking random_terms(std::uint64_t scale, std::uint32_t slots) {
        booking terms;
        terms.head_reserve = {between(0, scale), static_cast<std::uint32_t>(between(0, slots))};
        terms.fixed_bytes = below(4) == 0 ? between(0, scale) : 0;
        terms.window_tickets = below(2) == 0 ? 0 : between(1, 6);
        terms.weight = static_cast<std::uint32_t>(between(0, 4));
        return terms;
    }

    /// The limit is one of: just the largest job; just every job (a shared pool of zero); more.
    watched_budget make_budget() {
        auto const scale = std::uint64_t{1} << between(2, 24);
        auto const slots = static_cast<std::uint32_t>(below(3) == 0 ? 0 : between(0, 6));
        auto const jobs = std::uint64_t{1} << between(0, 6);
        request largest;
        request all;
        for (auto left = below(4) == 0 ? jobs : between(jobs / 2 + 1, jobs); left > 0; --left) {
            plan const p{random_terms(scale, slots), between(0, 120), below(10) == 0};
            plans_.push_back(p);
            request const booked{p.terms.head_reserve.bytes + p.terms.fixed_bytes, p.terms.head_reserve.slots};
            largest = {std::max(largest.bytes, booked.bytes), std::max(largest.slots, booked.slots)};
            all = {all.bytes + booked.bytes, all.slots + booked.slots};
        }
        request limit = below(2) == 0 ? largest : all;
        auto const engine = below(2) * scale;
        limit.bytes += engine;
        if (below(3) != 0) limit.bytes += between(0, 20 * scale);
        if (below(3) != 0) limit.slots += static_cast<std::uint32_t>(between(0, 10));
        in_order_percent_ = below(3) * 50;
        return watched_budget{limit, engine};
    }

    void open_next() {
        if (opened_ == plans_.size()) return;
        live_.push_back(budget_.open(plans_[opened_++].terms));
        most_jobs_ = std::max(most_jobs_, live_.size());
    }

    /// One event of one random job; the first job able to move when that one is not.
    void step() {
        auto const start = below(live_.size());
        for (bool wake_stalled : {false, true})
            for (std::size_t i = 0; i < live_.size(); ++i) {
                auto const at = (start + i) % live_.size();
                if (plans_[live_[at]].stalls && !wake_stalled) continue;
                if (move(at)) return;
            }
        FAIL("deadlock: jobs are left and none can move");
    }

    bool move(std::size_t at) {
        auto const id = live_[at];
        auto const& book = budget_.book(id);
        auto const& mine = plans_[id];
        bool const may_ask = !book.cancelled && book.asked_in_all() < mine.tickets;
        if (!book.cancelled && below(700) == 0) return cancel(at);
        if (may_ask && (book.in_flight.empty() || below(2) == 0)) return ask(id, mine);
        if (!book.in_flight.empty()) return finish_some(id);
        if (may_ask) return ask(id, mine);
        if (!book.booked || !book.asked.empty()) return false;
        budget_.close(id);
        forget(at);
        return true;
    }

    bool ask(job_id id, plan const& mine) {
        auto const most = mine.tickets - budget_.book(id).asked_in_all();
        auto const& largest = mine.terms.head_reserve;
        for (auto n = between(1, std::min<std::uint64_t>(most, below(8) == 0 ? 100 : 3)); n > 0; --n)
            budget_.ask(id, {below(4) == 0 ? largest.bytes : between(0, largest.bytes),
                             static_cast<std::uint32_t>(between(0, largest.slots))});
        return true;
    }

    bool finish_some(job_id id) {
        auto const& flying = budget_.book(id).in_flight;
        auto it = flying.begin();
        if (below(100) >= in_order_percent_) std::advance(it, static_cast<std::ptrdiff_t>(below(flying.size())));
        auto const held = it->second.held;
        if (below(3) == 0)
            budget_.shrink(id, it->first, {between(0, held.bytes), static_cast<std::uint32_t>(between(0, held.slots))});
        else budget_.retire(id, it->first);
        return true;
    }

    bool cancel(std::size_t at) {
        if (budget_.cancel(live_[at])) forget(at);
        return true;
    }

    void forget(std::size_t at) { live_.erase(live_.begin() + static_cast<std::ptrdiff_t>(at)); }

    std::mt19937_64 random_;
    std::vector<plan> plans_;
    std::uint64_t in_order_percent_ = 0;
    watched_budget budget_;
    std::size_t opened_ = 0;
    std::vector<job_id> live_;
    std::size_t most_jobs_ = 0;
};

}  // namespace

TEST_SUITE("memory/budget random") {
    // Bounds on waiting, checked after every event: budget.hpp, "Starvation".
    TEST_CASE(
        "over a million random events of up to 64 jobs no promise is broken, nothing stalls or starves, and everything "
        "comes back") {
        auto const* const more = std::getenv("SUBMITIT_BUDGET_EVENTS");
        std::uint64_t const wanted = more != nullptr ? std::strtoull(more, nullptr, 10) : 1'000'000;
        std::uint64_t events = 0;
        std::uint64_t from_reserve = 0;
        std::uint64_t from_pool = 0;
        std::uint64_t with_booking_waiting = 0;
        std::uint64_t with_pool_short = 0;
        std::uint64_t within_share = 0;
        std::size_t most_jobs = 0;
        for (std::uint64_t seed = 1; events < wanted; ++seed) {
            CAPTURE(seed);
            simulation life{seed};
            life.run();
            auto const& b = life.budget();
            events += b.events();
            from_reserve += b.stats().grants_from_reserve;
            from_pool += b.stats().grants_from_pool;
            with_booking_waiting += b.events_with_booking_waiting();
            with_pool_short += b.events_with_pool_short();
            within_share += b.waits_within_share();
            most_jobs = std::max(most_jobs, life.most_jobs());
        }
        MESSAGE(events, " events, ", from_reserve, " grants from reserves, ", from_pool,
                " from the pool; a booking waited ", with_booking_waiting, " times, the pool was short ",
                with_pool_short, " times, a ticket within its share waited ", within_share, " times; up to ", most_jobs,
                " jobs");
        // The mix visits each regime often.
        CHECK(from_reserve > 50'000);
        CHECK(from_pool > 50'000);
        CHECK(with_booking_waiting > 50'000);
        CHECK(with_pool_short > 50'000);
        CHECK(within_share > 10'000);
        CHECK(most_jobs == 64);
    }
}
