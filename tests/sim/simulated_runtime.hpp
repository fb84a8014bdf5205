// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pipeline/job.hpp"
#include "pipeline/runtime.hpp"
#include "sim/executor.hpp"
#include "sim/simulated_disk.hpp"

namespace submitit::sim {

/// Workers that take any flight, not the oldest: a real one may be held up anywhere.
class simulated_workers final : public pipeline::work_queue {
public:
    simulated_workers(scheduler& on, unsigned workers) : on_{&on}, workers_{workers} {}

    void push(pipeline::flight& ready) override {
        on_->point();
        ++queued_;
        on_->add(place::worker, [this, next = &ready] {
            --queued_;
            auto const owner = next->owner;  // the flight, and with it the job, may end inside
            owner->work(*next, static_cast<unsigned>(on_->below(workers_)));
        });
    }
    [[nodiscard]] unsigned workers() const noexcept override { return workers_; }
    [[nodiscard]] std::uint64_t queued() const noexcept { return queued_; }

private:
    scheduler* on_;
    unsigned workers_;
    std::uint64_t queued_ = 0;
};

/// A runtime without threads. The scheduler outlives it; as a real one does, it waits for everything in the end.
class simulated_runtime final : public pipeline::runtime {
public:
    simulated_runtime(scheduler& on, disk_terms disk, unsigned workers, unsigned cached_percent)
        : on_{&on}, disk_{on, std::move(disk)}, workers_{on, workers}, cached_percent_{cached_percent} {}
    ~simulated_runtime() override { on_->run_dry(); }

    [[nodiscard]] boost::asio::any_io_executor steering() override { return executor{*on_, context_, place::steering}; }
    [[nodiscard]] boost::asio::any_io_executor walking() override { return executor{*on_, context_, place::walking}; }
    [[nodiscard]] boost::asio::any_io_executor writing() override { return executor{*on_, context_, place::writing}; }
    [[nodiscard]] simulated_workers& workers() override { return workers_; }
    [[nodiscard]] simulated_disk& backend() override { return disk_; }
    /// What was just written is in the page cache; so a miss is when nobody looks.
    [[nodiscard]] bool tries_cache() const noexcept override {
        on_->point();
        return on_->chance(cached_percent_);
    }

private:
    scheduler* on_;
    context context_;
    simulated_disk disk_;
    simulated_workers workers_;
    unsigned cached_percent_;
};

}  // namespace submitit::sim
