// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <liburing.h>

#include <cstdint>
#include <string>

#include "base/result.hpp"

namespace submitit::io::uring {

/// Which threads submit.
enum class issuers : bool { one, many };

/// One io_uring instance, used by one thread at a time. With issuers::one create it on the thread that will use it:
/// SINGLE_ISSUER ties it to that thread.
class ring {
public:
    ring() = default;
    ring(ring const&) = delete;
    ring& operator=(ring const&) = delete;
    ~ring();

    /// Sets up at least `entries` submission entries (and twice the completions), with the best flags this kernel knows.
    [[nodiscard]] result<> open(std::uint32_t entries, issuers from = issuers::one);

    /// Never null for a caller that keeps fewer than `entries` operations prepared or in flight.
    [[nodiscard]] ::io_uring_sqe& next_sqe() noexcept;

    /// Submits what is prepared, runs deferred completions, and waits for at least one when `wait`. Comes back early with
    /// nothing when the system is short of memory (EAGAIN, EBUSY), after a pause if there is nothing to reap either.
    void submit(bool wait) noexcept;

    /// Calls `handle(user_data, res)` for everything completed.
    template <class Handler>
    void reap(Handler&& handle) {
        ::io_uring_cqe* cqe = nullptr;
        while (::io_uring_peek_cqe(&ring_, &cqe) == 0) {
            auto const data = ::io_uring_cqe_get_data64(cqe);
            auto const outcome = cqe->res;
            ::io_uring_cqe_seen(&ring_, cqe);
            handle(data, outcome);
        }
    }

    [[nodiscard]] std::string features() const;
    [[nodiscard]] int fd() const noexcept { return ring_.ring_fd; }
    [[nodiscard]] ::io_uring& raw() noexcept { return ring_; }

private:
    ::io_uring ring_{};
    std::uint32_t flags_ = 0;
    bool open_ = false;
};

}  // namespace submitit::io::uring
