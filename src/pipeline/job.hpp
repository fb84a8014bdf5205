// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "async/mailbox.hpp"
#include "pipeline/admission.hpp"
#include "pipeline/flight.hpp"
#include "pipeline/memory_plan.hpp"
#include "pipeline/options.hpp"
#include "pipeline/report.hpp"
#include "pipeline/worker_pool.hpp"
#include "plan/planner.hpp"
#include "publish/sink.hpp"

namespace submitit::pipeline {

/// One export from walk to published output.
///
/// Stages:  planner thread -> mailbox -> admit() -> workers (and the backend) -> assemble() -> sink.
/// Order:   tickets are granted and assembled in sequence; reading and encoding happen in any order between.
/// Threads: run() is a coroutine of the caller's single-threaded executor, on which the sink blocks; the planner and the
///          workers have their own threads, and end before run() does.
/// Stop:    once `stop` is set (or something failed) nothing more is written; what is in flight drains, then run() ends.
class job {
public:
    job(export_options options, publish::sink& output, live_progress& progress, std::atomic<bool>& stop);
    ~job();
    job(job const&) = delete;
    job& operator=(job const&) = delete;

    /// `options`, the sink and the atomics must outlive it. Never throws but for exhausted memory.
    [[nodiscard]] async::asio::awaitable<export_report> run();

private:
    [[nodiscard]] bool set_up();
    [[nodiscard]] bool stopping() const noexcept {
        return stop_->load(std::memory_order_relaxed) || failed_.load(std::memory_order_relaxed);
    }
    void fail(failure_kind kind, error_code error, std::string path = {}, std::string detail = {});

    // planner thread
    void plan_all();
    [[nodiscard]] bool plan_tickets();
    [[nodiscard]] bool plan_orphans(bool last_time);
    void hand_over(plan::ticket ticket);

    // coroutines
    [[nodiscard]] async::asio::awaitable<void> admit();
    [[nodiscard]] async::asio::awaitable<void> assemble();
    [[nodiscard]] async::asio::awaitable<flight*> next_sealed(std::uint64_t seq);
    void take(flight& sealed);
    void carry_out(archive::output_list const& list);
    [[nodiscard]] bool may_end();
    [[nodiscard]] bool finish();
    void tell(walk::notice const& notice);
    void retire(flight& done);

    // workers
    void work(flight& at, unsigned worker);
    void read_cached(flight& at);
    void settle_missing(flight& at);
    [[nodiscard]] bool read_one(archive::content& one, bool segment);
    void submit_missing(flight& at);
    static void read_done(io::read_op& op) noexcept;
    [[nodiscard]] bool wait_for_links(flight& at);
    void seal(flight& at);

    export_options options_;
    publish::sink* output_;
    live_progress* progress_;
    std::atomic<bool>* stop_;
    archive::traits traits_;
    memory_plan memory_;
    export_report report_;
    std::chrono::steady_clock::time_point started_;

    std::unique_ptr<walk::walker> walker_;
    std::unique_ptr<plan::planner> planner_;
    plan::link_outcomes links_{memory_plan::link_failures_bytes};
    plan::entry_spool orphans_;  // filled by assemble(), taken by the planner once all tickets were assembled
    std::unique_ptr<admission> admission_;
    memory::job_id job_id_ = 0;
    std::unique_ptr<memory::slab_pool> slabs_;
    std::vector<std::unique_ptr<archive::encoder>> encoders_;  // one a worker
    std::unique_ptr<archive::container> container_;
    archive::output_list list_;
    async::mailbox<std::unique_ptr<flight>> planned_{memory_plan::planned_tickets};

    std::mutex failure_mutex_;
    std::atomic<bool> failed_{false};

    mutable std::mutex flights_mutex_;
    std::map<std::uint64_t, std::unique_ptr<flight>> flights_;  // granted, not retired
    std::map<std::uint64_t, flight*> sealed_;                   // encoded, not assembled
    std::vector<flight*> parked_;                               // wait for an earlier ticket to be sealed
    std::uint64_t sealed_below_ = 0;                            // tickets below are sealed
    std::uint64_t retired_count_ = 0;
    std::uint64_t planned_count_ = 0;
    std::optional<std::uint64_t> last_seq_;  // one past the last ticket, once known
    std::condition_variable all_retired_;
    async::wakeup sealed_changed_;
    async::wakeup admit_ended_;
    bool admit_done_ = false;

    std::atomic<std::uint64_t> cached_reads_{0};
    std::atomic<std::uint64_t> backend_reads_{0};

    std::unique_ptr<io::backend> backend_;
    std::unique_ptr<worker_pool> workers_;
    std::thread planner_thread_;
};

}  // namespace submitit::pipeline
