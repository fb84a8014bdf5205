// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "pipeline/content_watch.hpp"
#include "pipeline/engine.hpp"
#include "pipeline/memory_plan.hpp"
#include "pipeline/metrics.hpp"
#include "pipeline/options.hpp"
#include "pipeline/output.hpp"
#include "pipeline/planning.hpp"

namespace submitit::pipeline {

/// One export from walk to published output, on an engine that others share.
///
/// Stages:  planning -> admit() -> workers (and the backend) -> assemble() -> output.
/// Order:   tickets are granted and assembled in sequence; reading and encoding happen in any order between.
/// Threads: start() once, cancel() on any thread. Its coroutines run on a strand of the engine's; work() on its workers.
/// Stop:    once cancelled (or something failed) nothing more is written; what is in flight drains, then the job ends.
/// Alive:   as a shared_ptr; everything under way holds it, and whoever holds it longer than its engine may only destroy it or ask
///          stopping(). The engine, the output and `progress` until `on_end` was called.
class job final : public planning_host, public std::enable_shared_from_this<job> {
public:
    using end_handler = std::function<void(export_report, std::exception_ptr)>;

    /// `where`: engine.runs_on().steering(), or writing() when the output blocks.
    job(engine& on, job_options options, output& to, live_progress& progress, boost::asio::any_io_executor where);
    ~job() override;
    job(job const&) = delete;
    job& operator=(job const&) = delete;

    /// `on_end` is called on the job's executor as the last thing, when nothing of the job is under way any more. Throws, having
    /// started nothing, for want of memory or threads; later that is a failure of the job, unless there is not even memory to
    /// wait with: then `on_end` gets an exception, or the process ends.
    void start(end_handler on_end);

    /// Also before start(). Safe while start() runs on another thread.
    void cancel() noexcept;
    /// Cancels unless a byte has left; true when it did.
    bool cancel_unless_begun() noexcept;

    /// While paused no grant is asked for and nothing is given to workers; what is in flight goes its way to the output. Memory stays
    /// booked, and at most one granted ticket waits. From any thread, at any time.
    void pause() noexcept { set_paused(true); }
    void resume() noexcept { set_paused(false); }

    /// What it does and waits for. Outlives it.
    [[nodiscard]] std::shared_ptr<job_metrics> const& shared_metrics() const noexcept { return metrics_; }
    [[nodiscard]] job_metrics& metrics() const noexcept { return *metrics_; }

    [[nodiscard]] bool stopping() const noexcept override { return stopped_.load(); }
    void fail(failure_kind kind, error_code error, std::string path = {}, std::string detail = {}) override;

    /// For the workers.
    void work(flight& at, unsigned worker);

private:
    void spawn();
    [[nodiscard]] async::asio::awaitable<void> run();
    [[nodiscard]] async::asio::awaitable<bool> get_ready();
    [[nodiscard]] async::asio::awaitable<void> prepare();
    [[nodiscard]] async::asio::awaitable<bool> book();
    void set_up();
    void end();
    void fail_by_exception() noexcept;

    // coroutines
    [[nodiscard]] async::asio::awaitable<void> admit();
    [[nodiscard]] async::asio::awaitable<bool> admit_next();
    [[nodiscard]] async::asio::awaitable<void> while_paused();
    [[nodiscard]] async::asio::awaitable<arrival> granted(plan::ticket const& ticket);
    void stall_head(std::uint64_t now_us) noexcept;
    void launch(std::unique_ptr<flight> granted);
    void give_to_workers(flight& at, arrival from, std::uint64_t now_us);
    [[nodiscard]] async::asio::awaitable<void> assemble();
    [[nodiscard]] async::asio::awaitable<flight*> next_sealed(std::uint64_t seq);
    [[nodiscard]] async::asio::awaitable<void> take(flight& sealed);
    [[nodiscard]] async::asio::awaitable<void> carry_out();
    void count(flight const& sealed);
    [[nodiscard]] bool may_end();
    [[nodiscard]] async::asio::awaitable<void> finish();
    [[nodiscard]] async::asio::awaitable<void> write_end();
    void tell(walk::notice const& notice);
    void retire(flight& done);
    void stop() noexcept;
    void set_paused(bool is) noexcept;
    void show_identity();

    // workers
    void do_work(flight& at, unsigned worker);
    void read_some(flight& at, unsigned worker);
    void encode(flight& at, unsigned worker);
    void read_cached(flight& at);
    void settle_missing(flight& at);
    [[nodiscard]] bool read_one(archive::content& one, bool segment, std::uint64_t& reads);
    void submit_missing(flight& at);
    static void read_done(io::read_op& op) noexcept;
    void note_reads(flight const& at);
    void settle_checksums(flight& at);
    [[nodiscard]] bool wait_for_links(flight& at);
    void seal(flight& at);

    engine* engine_;
    job_options options_;
    output* output_;
    live_progress* progress_;
    std::shared_ptr<job_metrics> metrics_ = std::make_shared<job_metrics>();
    boost::asio::any_io_executor where_;
    boost::asio::any_io_executor strand_;  // while it runs: a strand must not outlive the engine, a job may
    end_handler on_end_;
    archive::traits traits_;
    export_report report_;
    std::chrono::steady_clock::time_point started_;

    job_memory memory_;
    std::shared_ptr<encoder_set> encoders_;
    std::unique_ptr<planning> planning_;
    std::unique_ptr<archive::container> container_;
    archive::output_list list_;
    std::unique_ptr<content_watch> watch_;  // with checksums
    bool published_ = false;

    std::atomic<bool> stopped_{false};  // cancelled, or failed
    std::atomic<bool> cancelled_{false};
    enum class begun : std::uint8_t { not_yet, writing, never };
    std::atomic<begun> begun_{begun::not_yet};  // whether a byte has left
    std::mutex stop_mutex_;                     // the first failure; what stop() and pause() may touch
    bool failed_ = false;
    std::optional<memory::job_id> booking_;

    std::mutex flights_mutex_;
    std::map<std::uint64_t, std::unique_ptr<flight>> flights_;  // granted, not retired
    std::map<std::uint64_t, flight*> sealed_;                   // encoded, not assembled
    std::vector<flight*> parked_;                               // wait for an earlier ticket to be sealed
    std::uint64_t sealed_below_ = 0;                            // tickets below are sealed
    std::optional<std::uint64_t> last_seq_;                     // one past the last ticket, once known
    async::wakeup sealed_changed_;
    async::wakeup admit_ended_;
    async::wakeup prepared_;
    async::wakeup resumed_;
    bool admit_done_ = false;
    std::uint64_t in_flight_ = 0;  // tickets
    bool asks_ = false;            // for a grant
    bool head_stalls_ = false;     // so it does, and none is in flight
    std::uint64_t planned_bytes_ = 0;
    std::uint64_t launched_ = 0;  // one past the last ticket that was

    std::atomic<std::uint64_t> backend_reads_{0};
};

}  // namespace submitit::pipeline
