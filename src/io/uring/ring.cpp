// SPDX-License-Identifier: Apache-2.0
#include "io/uring/ring.hpp"

#include <array>
#include <ctime>
#include <mutex>
#include <span>

#include "base/check.hpp"

namespace submitit::io::uring {
namespace {

/// Best first; each is tried when the one before was not known (EINVAL). io_uring_setup(2): DEFER_TASKRUN 6.1, SINGLE_ISSUER
/// 6.0, COOP_TASKRUN 5.19, SUBMIT_ALL 5.18, CLAMP 5.6.
constexpr std::array<std::uint32_t, 5> flag_ladder{
    IORING_SETUP_CLAMP | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
    IORING_SETUP_CLAMP | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN,
    IORING_SETUP_CLAMP | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_COOP_TASKRUN,
    IORING_SETUP_CLAMP | IORING_SETUP_SUBMIT_ALL,
    IORING_SETUP_CLAMP,
};

/// Completions interrupt the thread that submitted: it may compute for long, without a system call, while others wait for them.
constexpr std::array<std::uint32_t, 2> many_issuers_ladder{
    IORING_SETUP_CLAMP | IORING_SETUP_SUBMIT_ALL,
    IORING_SETUP_CLAMP,
};

struct flag_name {
    std::uint32_t flag;
    char const* name;
};
constexpr std::array<flag_name, 4> flag_names{{
    {IORING_SETUP_SINGLE_ISSUER, "SINGLE_ISSUER"},
    {IORING_SETUP_DEFER_TASKRUN, "DEFER_TASKRUN"},
    {IORING_SETUP_COOP_TASKRUN, "COOP_TASKRUN"},
    {IORING_SETUP_SUBMIT_ALL, "SUBMIT_ALL"},
}};

/// The kernel may give the addresses of a ring that went to the next one. That these follow each other in time is clear to
/// the kernel alone, unless this says so too.
std::mutex mapping_order;

/// io_uring_enter may lack memory even with nothing in flight; then no completion would ever wake us (liburing issue 281).
void pause_one_millisecond() noexcept {
    ::timespec const pause{0, 1'000'000};
    ::nanosleep(&pause, nullptr);
}

}  // namespace

ring::~ring() {
    if (!open_) return;
    std::lock_guard const lock{mapping_order};
    ::io_uring_queue_exit(&ring_);
}

result<> ring::open(std::uint32_t entries, issuers from) {
    int outcome = -EINVAL;
    std::lock_guard const lock{mapping_order};
    std::span<std::uint32_t const> ladder{flag_ladder};
    if (from == issuers::many) ladder = many_issuers_ladder;
    for (auto const flags : ladder) {
        ::io_uring_params params{};
        params.flags = flags;
        outcome = ::io_uring_queue_init_params(entries, &ring_, &params);
        flags_ = flags;
        if (outcome != -EINVAL) break;
    }
    if (outcome < 0) return from_errno(-outcome);
    open_ = true;
    // A child of the host application must not find our ring in its memory.
    ::io_uring_ring_dontfork(&ring_);
    return {};
}

::io_uring_sqe& ring::next_sqe() noexcept {
    auto* const sqe = ::io_uring_get_sqe(&ring_);
    SUBMITIT_CHECK(sqe != nullptr);
    return *sqe;
}

void ring::submit(bool wait) noexcept {
    int const outcome = wait ? ::io_uring_submit_and_wait(&ring_, 1) : ::io_uring_submit_and_get_events(&ring_);
    if (outcome >= 0 || outcome == -EINTR) return;
    // Anything else would leave buffers with the kernel for ever.
    SUBMITIT_CHECK(outcome == -EAGAIN || outcome == -EBUSY || outcome == -ENOMEM);
    if (::io_uring_cq_ready(&ring_) == 0) pause_one_millisecond();
}

std::string ring::features() const {
    std::string text;
    for (auto const& [flag, name] : flag_names) {
        if ((flags_ & flag) == 0) continue;
        if (!text.empty()) text += ' ';
        text += name;
    }
    return text;
}

}  // namespace submitit::io::uring
