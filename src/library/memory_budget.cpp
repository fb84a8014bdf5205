// SPDX-License-Identifier: Apache-2.0
#include "submitit/memory_budget.hpp"

#include <algorithm>
#include <list>
#include <mutex>

#include <boost/asio/error.hpp>

#include "submitit/error.hpp"

namespace submitit {

void memory_lease::shrink(std::uint64_t bytes) noexcept {
    if (bytes >= bytes_) return;
    auto const freed = std::exchange(bytes_, bytes) - bytes;
    auto const from = bytes_ == 0 ? std::move(from_) : from_;  // the queue may end with its last lease
    from->give_back(freed);
}

namespace detail {

struct budget_queue::state {
    struct request {
        std::uint64_t ticket;
        std::uint64_t bytes;
        handler on_granted;
    };

    void take(std::uint64_t bytes) noexcept {
        used += bytes;
        high_water = std::max(high_water, used);
    }

    mutable std::mutex mutex;
    std::uint64_t limit = 0;
    std::uint64_t used = 0;
    std::uint64_t high_water = 0;
    std::uint64_t next_ticket = 1;
    bool granting = false;       // someone is in grant_waiting() and looks again after each grant
    std::list<request> waiting;  // a node is spliced out and completed without the lock
};

budget_queue::budget_queue(std::uint64_t limit_bytes) : state_{std::make_unique<state>()} {
    state_->limit = limit_bytes;
}

budget_queue::~budget_queue() = default;

std::uint64_t budget_queue::reserve_ticket() noexcept {
    std::lock_guard const lock{state_->mutex};
    return state_->next_ticket++;
}

void budget_queue::acquire(std::uint64_t bytes, std::uint64_t ticket, handler on_granted) {
    if (bytes > state_->limit) {
        std::move(on_granted)(make_error_code(errc::budget_too_small), memory_lease{});
        return;
    }
    {
        std::lock_guard const lock{state_->mutex};
        state_->waiting.push_back({ticket, bytes, std::move(on_granted)});
    }
    grant_waiting();
}

memory_lease budget_queue::try_acquire(std::uint64_t bytes) {
    auto self = shared_from_this();
    std::lock_guard const lock{state_->mutex};
    if (!state_->waiting.empty() || bytes > state_->limit - state_->used) return {};
    state_->take(bytes);
    return {std::move(self), bytes};
}

/// In order, while the first one fits. A handler that is gone gives its lease back at once, and so asks for this inside itself: then
/// there is nothing to do, or a row of such handlers would need a stack as deep as it is long.
void budget_queue::grant_waiting() noexcept {
    auto const self = shared_from_this();  // the last lease may go
    bool first = true;
    for (;;) {
        std::list<state::request> granted;
        {
            std::lock_guard const lock{state_->mutex};
            if (first && state_->granting) return;
            first = false;
            auto& waiting = state_->waiting;
            state_->granting = !waiting.empty() && waiting.front().bytes <= state_->limit - state_->used;
            if (!state_->granting) return;
            state_->take(waiting.front().bytes);
            granted.splice(granted.end(), waiting, waiting.begin());
        }
        auto& one = granted.front();
        std::move(one.on_granted)({}, memory_lease{self, one.bytes});
    }
}

void budget_queue::cancel(std::uint64_t ticket) {
    std::list<state::request> cancelled;
    {
        std::lock_guard const lock{state_->mutex};
        auto& waiting = state_->waiting;
        auto const at = std::find_if(waiting.begin(), waiting.end(),
                                     [ticket](state::request const& one) { return one.ticket == ticket; });
        if (at == waiting.end()) return;
        cancelled.splice(cancelled.end(), waiting, at);
    }
    std::move(cancelled.front().on_granted)(boost::asio::error::operation_aborted, memory_lease{});
    grant_waiting();  // it may have been the one the others waited behind
}

void budget_queue::cancel_all() {
    std::list<state::request> cancelled;
    {
        std::lock_guard const lock{state_->mutex};
        cancelled.swap(state_->waiting);
    }
    for (auto& one : cancelled) std::move(one.on_granted)(boost::asio::error::operation_aborted, memory_lease{});
}

void budget_queue::give_back(std::uint64_t bytes) noexcept {
    {
        std::lock_guard const lock{state_->mutex};
        state_->used -= bytes;
    }
    grant_waiting();
}

std::uint64_t budget_queue::limit_bytes() const noexcept { return state_->limit; }

std::uint64_t budget_queue::used_bytes() const noexcept {
    std::lock_guard const lock{state_->mutex};
    return state_->used;
}

std::uint64_t budget_queue::high_water_bytes() const noexcept {
    std::lock_guard const lock{state_->mutex};
    return state_->high_water;
}

std::uint64_t budget_queue::waiting() const noexcept {
    std::lock_guard const lock{state_->mutex};
    return state_->waiting.size();
}

}  // namespace detail

}  // namespace submitit
