// SPDX-License-Identifier: Apache-2.0
#include "pipeline/planning.hpp"

#include <new>
#include <utility>

#include <boost/asio/post.hpp>

namespace submitit::pipeline {

namespace asio = boost::asio;

namespace {

constexpr char const* spill_failed = "a temporary file in $TMPDIR failed";

/// A file nobody can read fails under each of its names: no round for every name.
constexpr int rounds_max = 3;

}  // namespace

planning::planning(planning_host& host, parts made)
    : host_{&host},
      where_{std::move(made.where)},
      walker_{std::move(made.walker)},
      planner_{std::move(made.planner)},
      box_size_{made.box_size},
      has_trailer_{made.has_trailer},
      metrics_{std::move(made.metrics)},
      links_{made.link_failures_bytes} {}

void planning::start(std::weak_ptr<void> keeps_alive) {
    keeps_alive_ = std::move(keeps_alive);
    running_ = true;
    go_on();
}

/// False: there is no memory for it, and planning has ended.
bool planning::post() noexcept {
    try {
        asio::post(where_, [this, alive = keeps_alive_.lock()] { run(); });
        return true;
    } catch (...) {
        end_here();
        return false;
    }
}

void planning::go_on() {
    if (!post()) fail_without_memory();
}

void planning::give_up() {
    fail_without_memory();
    end_here();
}

void planning::fail_without_memory() {
    host_->fail(failure_kind::internal, make_error_code(boost::system::errc::not_enough_memory), {}, {});
}

void planning::end_here() noexcept {
    {
        std::lock_guard const lock{mutex_};
        phase_ = phase::ended;
        running_ = false;
        done_ = true;
    }
    changed_.notify();
}

asio::awaitable<std::unique_ptr<flight>> planning::receive() {
    for (;;) {
        std::unique_ptr<flight> next;
        bool refill = false;
        bool over = false;
        {
            std::lock_guard const lock{mutex_};
            if (!box_.empty()) {
                next = std::move(box_.front());
                box_.pop_front();
                metrics_->planned.set(box_.size());
                refill = !running_ && !waits_ && !done_;
                running_ = running_ || refill;
            }
            over = !next && done_;
        }
        if (refill) go_on();
        if (next || over) co_return next;
        co_await changed_.wait();
    }
}

void planning::retired() {
    {
        std::lock_guard const lock{mutex_};
        if (++retired_ != planned_ || !waits_) return;
        waits_ = false;
        running_ = true;
    }
    go_on();
}

bool planning::wake() noexcept {
    {
        std::lock_guard const lock{mutex_};
        if (!waits_) return true;
        waits_ = false;
        running_ = true;
    }
    return post();
}

void planning::release() {
    planner_.reset();
    walker_.reset();
    orphans_ = plan::entry_spool{};
    links_.clear();
}

// ---- the task

void planning::run() {
    try {
        fill();
    } catch (...) {
        give_up();
    }
}

void planning::fill() {
    for (;;) {
        {
            std::lock_guard const lock{mutex_};
            if (box_.size() >= box_size_) {
                running_ = false;
                return;
            }
        }
        auto next = next_flight();
        {
            std::lock_guard const lock{mutex_};
            if (next) {
                ++planned_;
                count(next->ticket);
                next->planned_us = status::now_us();
                box_.push_back(std::move(next));
                metrics_->planned.set(box_.size());
            } else if (phase_ == phase::settling && retired_ != planned_ && !host_->stopping()) {
                waits_ = true;
                running_ = false;
                return;
            } else if (phase_ == phase::ended) {
                running_ = false;
                done_ = true;
                metrics_->totals_known.store(!host_->stopping());
            }
            if (box_.empty() && !done_) continue;
        }
        changed_.notify();
        std::lock_guard const lock{mutex_};
        if (done_) return;
    }
}

/// Null: look at the phase.
std::unique_ptr<flight> planning::next_flight() {
    blocking_meter::visit const walking{metrics_->walking, true};
    std::unique_ptr<flight> next;
    if (host_->stopping()) phase_ = phase::ended;
    switch (phase_) {
        case phase::walking: next = plan_ticket(); break;
        case phase::settling: settle_orphans(); break;
        case phase::closing: close_archive(next); break;
        case phase::ended: break;
    }
    return next;
}

void planning::count(plan::ticket const& made) {
    std::uint64_t bytes = 0;
    for (auto const& entry : made.entries)
        if (entry.kind == walk::entry_kind::file) bytes += entry.stat.size;
    if (made.first_segment()) bytes += made.large->declared_bytes;
    metrics_->walking.items.add(made.entries.size() + (made.first_segment() ? 1 : 0));
    metrics_->walking.bytes.add(bytes);
    metrics_->total_entries.set(planner_->entries());
    metrics_->total_bytes.add(bytes);
}

std::unique_ptr<flight> planning::plan_ticket() {
    auto made = std::make_unique<flight>();
    auto const more = planner_->next(made->ticket);
    if (!more) {
        auto const& source = walker_->failed_source();
        if (source.empty()) host_->fail(failure_kind::output, more.error(), {}, spill_failed);
        else host_->fail(failure_kind::source, more.error(), source, {});
        phase_ = phase::ended;
        return nullptr;
    }
    if (host_->stopping()) return nullptr;
    if (*more) return made;
    bool const may_have_orphans = planner_->planned_links() && rounds_ <= rounds_max;
    phase_ = may_have_orphans ? phase::settling : phase::closing;
    return nullptr;
}

/// Names whose first name could not be stored follow as ordinary entries, once it is known which.
void planning::settle_orphans() {
    {
        std::lock_guard const lock{mutex_};
        if (retired_ != planned_) return;
    }
    ++rounds_;
    phase_ = phase::closing;
    auto spilled = links_.error();
    if (!spilled && !orphans_.empty()) {
        links_.clear();
        auto const planned = planner_->plan_again(std::exchange(orphans_, {}), rounds_ == rounds_max);
        if (planned) phase_ = phase::walking;
        else spilled = planned.error();
    }
    if (!spilled) return;
    host_->fail(failure_kind::output, spilled, {}, spill_failed);
    phase_ = phase::ended;
}

void planning::close_archive(std::unique_ptr<flight>& last) {
    phase_ = phase::ended;
    if (planner_->entries() == 0) return host_->fail(failure_kind::nothing_to_store, {}, {}, {});
    if (!has_trailer_) return;
    last = std::make_unique<flight>();
    last->ticket = planner_->trailer();
}

}  // namespace submitit::pipeline
