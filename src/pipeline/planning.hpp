// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>

#include <boost/asio/any_io_executor.hpp>

#include "async/wakeup.hpp"
#include "pipeline/flight.hpp"
#include "pipeline/metrics.hpp"
#include "pipeline/report.hpp"
#include "plan/planner.hpp"

namespace submitit::pipeline {

/// What planning is told of its job.
class planning_host {
public:
    planning_host() = default;
    planning_host(planning_host const&) = delete;
    planning_host& operator=(planning_host const&) = delete;
    virtual ~planning_host() = default;

    [[nodiscard]] virtual bool stopping() const noexcept = 0;
    virtual void fail(failure_kind kind, error_code error, std::string path, std::string detail) = 0;
};

/// The walking side of one job: turns its sources into flights, a few ahead of admission, on threads that may block.
///
/// Threads: runs as a task of `where`, one at a time, which ends when the box is full and is posted again when there is room;
///          so a job that waits for its consumer holds no thread. The other members on any thread.
class planning {
public:
    struct parts {
        boost::asio::any_io_executor where;
        std::unique_ptr<walk::walker> walker;
        std::unique_ptr<plan::planner> planner;
        std::size_t box_size = 2;
        std::size_t link_failures_bytes = 0;
        bool has_trailer = false;
        std::shared_ptr<job_metrics> metrics;
    };

    planning(planning_host& host, parts made);

    /// `keeps_alive` owns this; a task that runs holds it.
    void start(std::weak_ptr<void> keeps_alive);

    /// The next flight, in order; null at the end, or when the job stops.
    [[nodiscard]] async::asio::awaitable<std::unique_ptr<flight>> receive();

    /// One of its flights was assembled. After the last one, links whose first name could not be stored are planned again.
    void retired();

    /// The job stops: what waits for a retirement waits no more. False: there is no memory for planning to go on.
    [[nodiscard]] bool wake() noexcept;

    /// Which first names could not be stored: told by encoders, asked by them.
    [[nodiscard]] plan::link_outcomes& links() noexcept { return links_; }
    /// Sets a link aside; by the assembler, in archive order.
    [[nodiscard]] result<> put_aside(walk::entry const& orphan) { return orphans_.append(orphan); }

    /// Gives descriptors and memory back, once receive() has returned null and every flight has gone.
    void release();

    /// Valid after the last flight, until release().
    [[nodiscard]] std::uint64_t entries() const noexcept { return planner_->entries(); }

private:
    enum class phase : std::uint8_t { walking, settling, closing, ended };

    [[nodiscard]] bool post() noexcept;
    void go_on();
    void run();
    void fill();
    void give_up();
    void fail_without_memory();
    void end_here() noexcept;
    [[nodiscard]] std::unique_ptr<flight> next_flight();
    void count(plan::ticket const& made);
    [[nodiscard]] std::unique_ptr<flight> plan_ticket();
    void settle_orphans();
    void close_archive(std::unique_ptr<flight>& last);

    planning_host* host_;
    boost::asio::any_io_executor where_;
    std::weak_ptr<void> keeps_alive_;
    std::unique_ptr<walk::walker> walker_;
    std::unique_ptr<plan::planner> planner_;
    std::size_t box_size_;
    bool has_trailer_;
    std::shared_ptr<job_metrics> metrics_;
    plan::link_outcomes links_;
    plan::entry_spool orphans_;  // filled while flights are out, taken when none is
    phase phase_ = phase::walking;
    int rounds_ = 0;

    std::mutex mutex_;
    std::deque<std::unique_ptr<flight>> box_;
    bool running_ = false;  // a task is posted or runs
    bool waits_ = false;    // ... for the last retirement
    bool done_ = false;     // nothing more comes
    std::uint64_t planned_ = 0;
    std::uint64_t retired_ = 0;
    async::wakeup changed_;
};

}  // namespace submitit::pipeline
