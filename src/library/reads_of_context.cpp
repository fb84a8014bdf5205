// SPDX-License-Identifier: Apache-2.0
#include <condition_variable>
#include <mutex>

#include "submitit/detail/read_request.hpp"

namespace submitit::detail {

boost::asio::execution_context::id reads_of_context::id;

struct reads_of_context::state {
    std::mutex mutex;
    std::condition_variable none_left;
    std::uint64_t in_flight = 0;
    bool ending = false;
};

reads_of_context::reads_of_context(boost::asio::execution_context& context)
    : boost::asio::execution_context::service{context}, state_{std::make_unique<state>()} {}

reads_of_context::~reads_of_context() = default;

void reads_of_context::began() noexcept {
    std::lock_guard const lock{state_->mutex};
    ++state_->in_flight;
}

void reads_of_context::ended() noexcept {
    std::lock_guard const lock{state_->mutex};
    // Under the lock: the waiter frees the state as soon as it has it.
    if (--state_->in_flight == 0 && state_->ending) state_->none_left.notify_all();
}

/// Services end in the reverse order of their creation, so what executes handlers is still there to take the last ones.
void reads_of_context::shutdown() {
    std::unique_lock lock{state_->mutex};
    state_->ending = true;
    state_->none_left.wait(lock, [this] { return state_->in_flight == 0; });
}

}  // namespace submitit::detail
