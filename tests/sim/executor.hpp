// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/execution.hpp>
#include <boost/asio/execution_context.hpp>

#include "sim/scheduler.hpp"

namespace submitit::sim {

/// What Asio's strands keep their state in.
class context final : public boost::asio::execution_context {};

/// An executor whose handlers are steps of a scheduler.
class executor {
    using blocking_t = boost::asio::execution::blocking_t;
    using outstanding_work_t = boost::asio::execution::outstanding_work_t;

public:
    executor(scheduler& on, context& in, place where) noexcept : on_{&on}, in_{&in}, where_{where} {}
    executor(executor const& other) noexcept
        : on_{other.on_}, in_{other.in_}, where_{other.where_}, never_blocks_{other.never_blocks_} {
        track(other.tracks_);
    }
    executor& operator=(executor const&) = delete;
    ~executor() { track(false); }

    boost::asio::execution_context& query(boost::asio::execution::context_t) const noexcept { return *in_; }

    /// It never blocks; but a strand asks whether it may run a handler at once.
    blocking_t query(blocking_t) const noexcept {
        return never_blocks_ ? blocking_t{blocking_t::never} : blocking_t{blocking_t::possibly};
    }
    executor require(blocking_t::never_t) const noexcept {
        auto made = *this;
        made.never_blocks_ = true;
        return made;
    }
    executor require(blocking_t::possibly_t) const noexcept {
        auto made = *this;
        made.never_blocks_ = false;
        return made;
    }

    executor require(outstanding_work_t::tracked_t) const noexcept {
        auto made = *this;
        made.track(true);
        return made;
    }
    executor require(outstanding_work_t::untracked_t) const noexcept {
        auto made = *this;
        made.track(false);
        return made;
    }

    template <class F>
    void execute(F&& work) const {
        on_->add(where_, std::forward<F>(work));
    }

    bool operator==(executor const& other) const noexcept {
        return on_ == other.on_ && where_ == other.where_ && tracks_ == other.tracks_ &&
               never_blocks_ == other.never_blocks_;
    }

private:
    void track(bool tracks) noexcept {
        if (tracks && !tracks_) ++on_->tracked;
        if (!tracks && tracks_) --on_->tracked;
        tracks_ = tracks;
    }

    scheduler* on_;
    context* in_;
    place where_;
    bool tracks_ = false;
    bool never_blocks_ = false;
};

}  // namespace submitit::sim
