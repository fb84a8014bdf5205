// SPDX-License-Identifier: Apache-2.0
#include "io/uring/inbox.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <utility>

#include "base/check.hpp"

namespace submitit::io::uring {

result<> inbox::open() {
    // Blocking on purpose: kernels before 5.8 answer the ring's read of a non-blocking eventfd with EAGAIN (liburing issue 143).
    wake_fd_.reset(::eventfd(0, EFD_CLOEXEC));
    if (!wake_fd_) return last_errno();
    return {};
}

void inbox::put(read_op* first) noexcept {
    if (first == nullptr) return;
    bool asleep = false;
    {
        std::lock_guard const lock{mutex_};
        waiting_.append(first);
        news_ = true;
        asleep = std::exchange(asleep_, false);
    }
    if (asleep) wake();
}

void inbox::close() noexcept {
    {
        std::lock_guard const lock{mutex_};
        closed_ = true;
        news_ = true;
    }
    wake();  // in any case: the read of the eventfd that is in flight must end
}

inbox::delivery inbox::take() noexcept {
    std::lock_guard const lock{mutex_};
    asleep_ = false;
    news_ = false;
    return {waiting_.take_all(), closed_};
}

bool inbox::may_sleep() noexcept {
    std::lock_guard const lock{mutex_};
    asleep_ = !news_;
    return asleep_;
}

void inbox::wake() noexcept {
    std::uint64_t const one = 1;
    ::ssize_t written = 0;
    do {
        written = ::write(wake_fd_.get(), &one, sizeof one);
    } while (written < 0 && errno == EINTR);
    SUBMITIT_CHECK(written == sizeof one);
}

}  // namespace submitit::io::uring
