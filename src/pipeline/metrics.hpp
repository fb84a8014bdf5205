// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/flight.hpp"
#include "pipeline/meters.hpp"
#include "walk/notice.hpp"

namespace submitit::pipeline {

/// What one job's threads note while it runs, for whoever asks. It outlives the job.
///
/// Threads: the job's write, each as said; tell() on any, before the start and after the end. No writer ever waits for a reader.
/// Cost:    a ticket some 20 readings of the clock and 40 additions; a read that was cached none.
/// Memory:  lists are bounded, and so are their names.
class job_metrics {
public:
    // ---- what it is; on the job's executor
    struct identity {
        std::string name;
        std::string output;
        std::string format;
        int level = 0;
    };
    void set_identity(identity const& now);
    void set_id(std::uint64_t id) noexcept { id_.set(id); }
    void began() noexcept { began_us_.set(status::now_us()); }
    void ended(status::job_state how) noexcept;
    void set_state(status::job_state now) noexcept { state_.store(now, std::memory_order_relaxed); }
    /// One at a time.
    void set_paused(bool is) noexcept;
    [[nodiscard]] bool is_paused() const noexcept { return is_paused_.load(); }

    // ---- stages; any thread
    blocking_meter walking;
    stage_meter budget_wait;
    stage_meter read;
    stage_meter queue;
    stage_meter codec;
    stage_meter order_wait;
    blocking_meter sink;
    status::occupancy head_stall;
    status::occupancy window_wait;
    tally planned;       ///< tickets that wait for admission
    tally cached_reads;  ///< by workers, out of the page cache

    /// A worker had nothing to do since then, and now `next` came.
    void idled(flight const& next, std::uint64_t since_us, std::uint64_t now_us) noexcept;
    /// A read by the backend, of the file or a part of it.
    void read_took(std::string_view path, std::uint64_t file, std::uint64_t bytes, std::uint32_t us) noexcept;

    // ---- on the job's executor
    tally entries;
    tally files;
    tally content_bytes;
    tally output_bytes;
    void warned(walk::notice const& of) noexcept;
    /// Lists become visible; now and then, cheap when nothing changed.
    void show_lists();

    // ---- on the planning thread
    tally total_entries;
    tally total_bytes;
    std::atomic<bool> totals_known{false};

    [[nodiscard]] status::job_figures told() const;

private:
    struct slow {
        status::slow_file told;
        std::uint64_t file = 0;
    };

    void show_all();
    void keep_slow(std::string_view path, std::uint64_t file, std::uint64_t bytes, std::uint32_t us);
    void keep_warning(walk::notice const& of);

    tally id_;
    tally began_us_;
    tally ended_us_;
    std::atomic<status::job_state> state_{status::job_state::waiting};
    std::atomic<bool> is_paused_{false};
    status::occupancy paused_;
    identity identity_;
    bool identity_changed_ = false;
    shown<identity> identity_shown_;

    std::array<tally, arrivals> idle_us_;
    std::array<tally, walk::notice_kinds> notices_;

    std::deque<status::warning> warnings_;
    bool warnings_changed_ = false;
    shown<std::deque<status::warning>> warnings_shown_;

    std::mutex slowest_mutex_;  // between workers, and rare: most reads are faster than the tenth
    std::vector<slow> slowest_;
    std::atomic<std::uint32_t> slow_us_{0};  // less does not matter
    std::atomic<bool> slowest_changed_{false};
    shown<std::vector<slow>> slowest_shown_;
};

}  // namespace submitit::pipeline
