// SPDX-License-Identifier: Apache-2.0
#include "submitit/detail/reader_ring.hpp"

#include <mutex>

#include "io/read_ring.hpp"
#include "submitit/detail/read_request.hpp"

namespace submitit::detail {
namespace {

/// A reader whose cache misses stay few is better off without a ring of its own, which costs some 50 us and a descriptor.
constexpr std::uint32_t misses_before_ring = 32;

/// What comes beyond goes to the engine.
constexpr std::uint32_t reads_max = 128;

}  // namespace

struct reader_ring::state {
    std::mutex mutex;
    std::unique_ptr<io::read_ring> ring;
    std::uint32_t misses = 0;
    bool refused = false;  // or closed: everything is for the engine
    bool watching = false;

    /// Everything that is complete now; under the lock.
    [[nodiscard]] io::op_queue reap() noexcept {
        io::op_queue complete;
        ring->reap(complete);
        return complete;
    }
    /// The same of everything in flight.
    [[nodiscard]] io::op_queue drain() noexcept {
        io::op_queue complete;
        while (ring->in_flight() != 0) {
            ring->wait();
            ring->reap(complete);
        }
        return complete;
    }
};

namespace {

/// Outside the lock: what completes may start the next.
void tell(io::op_queue& complete) noexcept {
    while (auto* const op = complete.pop()) op->done(*op);
}

}  // namespace

reader_ring::reader_ring() : state_{std::make_unique<state>()} {}

reader_ring::~reader_ring() = default;

bool reader_ring::take(io::read_op& starting, reads_of_context& context) noexcept {
    auto& own = *state_;
    std::lock_guard const lock{own.mutex};
    if (own.refused) return false;
    if (!own.ring && ++own.misses < misses_before_ring) return false;
    try {
        if (!own.ring) {
            own.refused = true;  // should anything fail
            auto opened = io::open_read_ring(reads_max);
            if (!opened || !context.add(weak_from_this())) return false;
            open_watch((*opened)->poll_fd());
            own.ring = std::move(*opened);
            own.refused = false;
        }
        if (!own.watching) watch();
        own.watching = true;
    } catch (...) {  // no memory, or an executor that cannot wait for descriptors
        return false;
    }
    if (own.ring->start(starting)) return true;
    if (own.ring->in_flight() == 0) end_watch();  // which would keep the executor from running out of work
    return false;
}

void reader_ring::became_readable() {
    auto& own = *state_;
    io::op_queue complete;
    {
        std::lock_guard const lock{own.mutex};
        own.watching = false;
        if (own.refused) return;  // closed, and drained
        complete = own.reap();
        if (own.ring->in_flight() != 0) {
            try {
                watch();
                own.watching = true;
            } catch (...) {  // nobody would tell of them any more
                auto rest = own.drain();
                complete.append(rest.take_all());
            }
        }
    }
    tell(complete);
}

void reader_ring::close() noexcept {
    auto& own = *state_;
    io::op_queue complete;
    {
        std::lock_guard const lock{own.mutex};
        own.refused = true;
        close_watch();
        if (own.ring) complete = own.drain();
    }
    tell(complete);
}

}  // namespace submitit::detail
