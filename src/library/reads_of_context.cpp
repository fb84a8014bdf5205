// SPDX-License-Identifier: Apache-2.0
#include <condition_variable>
#include <mutex>
#include <vector>

#include "submitit/detail/read_request.hpp"
#include "submitit/detail/reader_ring.hpp"

namespace submitit::detail {

boost::asio::execution_context::id reads_of_context::id;

struct reads_of_context::state {
    std::mutex mutex;
    std::condition_variable none_left;
    std::uint64_t in_flight = 0;
    bool ending = false;
    std::vector<std::weak_ptr<reader_ring>> rings;
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

bool reads_of_context::add(std::weak_ptr<reader_ring> ring) {
    std::lock_guard const lock{state_->mutex};
    if (state_->ending) return false;
    std::erase_if(state_->rings, [](auto const& gone) { return gone.expired(); });
    state_->rings.push_back(std::move(ring));
    return true;
}

/// Services end in the reverse order of their creation, so what executes handlers is still there to take the last ones.
void reads_of_context::shutdown() {
    std::unique_lock lock{state_->mutex};
    state_->ending = true;
    auto const rings = std::move(state_->rings);
    lock.unlock();  // what a ring completes asks for it
    for (auto const& one : rings)
        if (auto const ring = one.lock()) ring->close();
    lock.lock();
    state_->none_left.wait(lock, [this] { return state_->in_flight == 0; });
}

}  // namespace submitit::detail
