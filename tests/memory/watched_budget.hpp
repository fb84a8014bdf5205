// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "memory/budget.hpp"
#include "memory/starvation_watch.hpp"

namespace submitit::memory::test {

/// A budget beside an independent ledger. After every event it takes the grants, follows them in its own books and
/// fails the test at the first broken promise:
///   - used and committed bytes and slots are what the ledger says, and never above the limit,
///   - bookings come in the order of opening, and one waits only for what is not free,
///   - tickets are granted in order, the head from the reserve, others inside the window and from the pool,
///   - nothing comes from the pool while a booking waits,
///   - no job has tickets asked for and none in flight (no stall), and the pool is not left idle when everyone fits,
///   - nothing starves: budget.hpp, "Starvation".
/// A value: copies go their own ways.
class watched_budget {
public:
    struct ticket {
        request held;
        bool from_reserve = false;
        std::uint64_t pool_number = 0;  ///< among the grants from the pool
    };
    struct job_book {
        booking terms;
        bool open = true;
        bool booked = false;
        bool cancelled = false;
        ticket_seq next = 0;
        std::deque<request> asked;
        std::map<ticket_seq, ticket> in_flight;
        request drawn;      ///< all the job was ever granted from the pool
        request pool_held;  ///< the part of it that is in flight

        [[nodiscard]] ticket_seq head() const { return in_flight.empty() ? next : in_flight.begin()->first; }
        [[nodiscard]] ticket_seq asked_in_all() const { return next + asked.size(); }
    };

    explicit watched_budget(request limit, std::uint64_t engine_bytes = 0);

    job_id open(booking const& terms);
    void ask(job_id id, request wanted, int times = 1);
    void shrink(job_id id, ticket_seq seq, request now);
    void retire(job_id id, ticket_seq seq);
    bool cancel(job_id id);
    void close(job_id id);

    /// What was granted since the last call: "A+ A0 B3" is the booking of job 0, its ticket 0 and ticket 3 of job 1.
    [[nodiscard]] std::string news();

    [[nodiscard]] job_book const& book(job_id id) const { return jobs_[id]; }
    [[nodiscard]] std::size_t jobs_opened() const { return jobs_.size(); }
    [[nodiscard]] budget_stats stats() const { return budget_.stats(); }
    [[nodiscard]] budget& core() { return budget_; }
    [[nodiscard]] std::uint64_t events() const { return events_; }
    [[nodiscard]] std::uint64_t events_with_booking_waiting() const { return events_with_booking_waiting_; }
    [[nodiscard]] std::uint64_t events_with_pool_short() const { return events_with_pool_short_; }
    /// How often a ticket within its job's share was seen waiting.
    [[nodiscard]] std::uint64_t waits_within_share() const { return starvation_.waits_seen(); }

    /// Fails the test unless every job is closed and only the engine's bytes are still out.
    void check_all_returned() const;

private:
    void settle();
    void follow(grant const& g);
    void follow_ticket(job_id id, ticket_seq seq);
    void give_back(job_book& of, ticket& from, request now);
    void check_books() const;
    void check_waiting();
    void check_starvation();
    [[nodiscard]] request free() const;
    [[nodiscard]] bool booking_waits() const;

    budget budget_;
    request limit_;
    std::uint64_t engine_bytes_;
    request used_;
    request committed_;
    std::vector<job_book> jobs_;
    job_id booked_below_ = 0;  ///< no open job below waits for its booking
    bool pool_drawn_ = false;  ///< by the event being followed
    std::string news_;
    starvation_watch starvation_;
    std::uint64_t events_ = 0;
    std::uint64_t events_with_booking_waiting_ = 0;
    std::uint64_t events_with_pool_short_ = 0;
};

}  // namespace submitit::memory::test
