// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include <boost/asio/post.hpp>

#include "submitit/detail/pending_operations.hpp"

namespace submitit::detail {

/// A callback for events, which come from other threads, and its executor.
///
/// Threads: deliver() on any thread. The callback runs on its executor, always posted.
/// Context: known to the executor's context as long as it lives. When the context ends first, callback and executor are let go,
///          and what is delivered after that is dropped.
/// Work:    none of its own; what was delivered is.
template <class F, class Executor>
class event_target {
public:
    event_target(F callback, Executor executor) : record_{record::make(std::move(callback), std::move(executor))} {}
    event_target(event_target const&) = delete;
    event_target& operator=(event_target const&) = delete;
    ~event_target() {
        if (record_->claim()) record_->abandon();
        record_->let_go();
    }

    /// `delivered` goes when the callback has seen all of them, or when they are lost.
    template <class Event>
    void deliver(std::vector<Event> events, std::shared_ptr<void> delivered) {
        record_->post(std::move(events), std::move(delivered));
    }

private:
    /// Shared by the target and by the list of the context.
    class record final : public pending_operation {
    public:
        static record* make(F callback, Executor executor) {
            auto made = std::make_unique<record>();
            auto* const context = pending_operations::of(executor);
            made->callback_ = std::make_shared<F>(std::move(callback));
            made->executor_.emplace(std::move(executor));
            bool const gone = context != nullptr && !context->enlist(made->link_, *made);
            auto* const kept = made.release();
            if (gone && kept->claim()) kept->abandon();
            return kept;
        }

        template <class Event>
        void post(std::vector<Event> events, std::shared_ptr<void> delivered) {
            std::lock_guard const lock{mutex_};  // the context's end waits for it
            if (!executor_) return;
            boost::asio::post(*executor_, [to = callback_, all = std::move(events), seen = std::move(delivered)] {
                for (auto const& event : all) (*to)(event);
            });
        }

        void abandon() noexcept override {
            {
                std::lock_guard const lock{mutex_};
                executor_.reset();
                callback_.reset();
            }
            pending_operations::delist(link_);
            let_go();
        }

        void let_go() noexcept {
            if (holders_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
        }

    private:
        std::mutex mutex_;
        std::optional<Executor> executor_;  // guarded by mutex_
        std::shared_ptr<F> callback_;       // guarded by mutex_; also held by what was posted
        pending_operations::link link_;
        std::atomic<int> holders_{2};  // the target; the claim
    };

    record* record_;
};

}  // namespace submitit::detail
