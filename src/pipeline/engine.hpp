// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "memory/slab.hpp"
#include "pipeline/admission.hpp"
#include "pipeline/encoder_set.hpp"
#include "pipeline/metrics.hpp"
#include "pipeline/runtime.hpp"

namespace submitit::pipeline {

class job;

/// What exports share: memory, slabs, encoders, workers and a way to read files. Thread-safe.
///
/// Lifetime: close() cancels what runs and waits until it has drained; the destructor does so too. A job touches its engine only
///           between enter() and leave().
class engine {
public:
    engine(std::uint64_t memory_bytes, std::uint32_t slots, std::unique_ptr<runtime> runs_on);
    ~engine();
    engine(engine const&) = delete;
    engine& operator=(engine const&) = delete;

    [[nodiscard]] admission& memory() noexcept { return memory_; }
    [[nodiscard]] runtime& runs_on() noexcept { return *runtime_; }
    [[nodiscard]] std::uint64_t memory_bytes() const noexcept { return memory_bytes_; }
    [[nodiscard]] std::uint32_t slots() const noexcept { return slots_; }
    [[nodiscard]] std::uint64_t next_turn() noexcept { return turns_.fetch_add(1, std::memory_order_relaxed); }

    /// A job's place in the queue of bookings, and the encoders it holds there.
    struct queued_job {
        std::shared_ptr<encoder_set> encoders;
        memory::job_id booking = 0;
    };
    /// Queues a job, behind the booking of encoders for its format. Who waits behind others must not hold what those may need:
    /// encoders that are there are shared only by a job that nobody waits before; others ask share() once they are booked.
    /// Fails: errc::budget_too_small when both can never be booked together.
    [[nodiscard]] result<queued_job> enqueue(archive::traits const& format, memory::booking const& job);
    /// `booked`, or the encoders of the same format that another job uses already.
    [[nodiscard]] std::shared_ptr<encoder_set> share(std::shared_ptr<encoder_set> booked);

    /// A slab of exactly `bytes`, paid for by a grant. Idle slabs of other sizes are unmapped where the budget is in use otherwise.
    [[nodiscard]] memory::slab take_slab(std::size_t bytes);
    void give_slab(memory::slab used);
    /// Idle slabs make room for what has been booked.
    void trim_slabs();

    /// False: the engine is closing, and the job must not start.
    [[nodiscard]] bool enter(job& starting);
    /// The last thing a job does with its engine.
    void leave(job& ended);

    /// What it and its jobs do: those under way, and the last that ended. From any thread, at any time; takes no lock that a worker or a
    /// backend takes.
    void tell(status::snapshot& into) const;

    /// Takes no more jobs and cancels those that run.
    void stop();
    /// ... and waits until they have left.
    void close();

private:
    [[nodiscard]] std::shared_ptr<encoder_set> find_set(archive::format_options const& format);

    std::uint64_t memory_bytes_;
    std::uint32_t slots_;
    admission memory_;
    memory::slab_store slabs_;
    std::atomic<std::uint64_t> turns_{0};

    std::mutex sets_mutex_;
    std::vector<std::weak_ptr<encoder_set>> sets_;  // booked ones

    mutable std::mutex jobs_mutex_;
    std::condition_variable all_left_;
    std::map<job*, std::shared_ptr<job_metrics>> jobs_;
    std::deque<std::shared_ptr<job_metrics>> ended_;
    std::uint64_t last_id_ = 0;
    std::uint64_t cached_reads_of_ended_ = 0;
    bool closed_ = false;

    std::unique_ptr<runtime> runtime_;  // last: its threads end first
};

}  // namespace submitit::pipeline
