// SPDX-License-Identifier: Apache-2.0
#include "io/read_ring.hpp"

#include <algorithm>

#include "base/check.hpp"
#include "io/attempt.hpp"
#include "io/uring/ring.hpp"
#include "io/uring/uring.hpp"

namespace submitit::io::uring {
namespace {

class shared_read_ring final : public read_ring {
public:
    [[nodiscard]] result<> open(std::uint32_t reads_max) {
        reads_max_ = reads_max;
        return ring_.open(reads_max, issuers::many);
    }

    [[nodiscard]] int poll_fd() const noexcept override { return ring_.fd(); }
    [[nodiscard]] std::uint32_t in_flight() const noexcept override { return in_flight_; }

    [[nodiscard]] bool start(read_op& op) noexcept override {
        if (in_flight_ == reads_max_) return false;
        auto* const sqe = ::io_uring_get_sqe(&ring_.raw());
        if (sqe == nullptr) return false;
        auto const wanted = std::min(op.bytes - op.got, read_call_bytes_max);
        ::io_uring_prep_read(sqe, op.fd, op.data + op.got, static_cast<unsigned>(wanted), op.offset + op.got);
        ::io_uring_sqe_set_data(sqe, &op);
        if (submitted()) {
            ++in_flight_;
            return true;
        }
        // The entry stays in the queue until the kernel has the memory to take it; then it must do nothing.
        ::io_uring_prep_nop(sqe);
        ::io_uring_sqe_set_data(sqe, nullptr);
        return false;
    }

    void reap(op_queue& to) noexcept override {
        ring_.reap([this, &to](std::uint64_t address, int outcome) {
            if (address == 0) return;
            auto& op = *reinterpret_cast<read_op*>(static_cast<std::uintptr_t>(address));
            --in_flight_;
            if (outcome >= 0) op.got += static_cast<std::uint64_t>(outcome);
            else op.error = from_errno(-outcome);
            to.push_back(op);
        });
    }

    void wait() noexcept override {
        ::io_uring_cqe* one = nullptr;
        auto const outcome = ::io_uring_wait_cqe(&ring_.raw(), &one);
        SUBMITIT_CHECK(outcome == 0 || outcome == -EINTR || outcome == -EAGAIN);
    }

private:
    /// Whether the kernel has the last entry. What came before it is no read.
    [[nodiscard]] bool submitted() noexcept {
        int outcome = -EINTR;
        while (outcome == -EINTR) outcome = ::io_uring_submit(&ring_.raw());
        return ::io_uring_sq_ready(&ring_.raw()) == 0;
    }

    ring ring_;
    std::uint32_t reads_max_ = 0;
    std::uint32_t in_flight_ = 0;
};

}  // namespace

result<std::unique_ptr<read_ring>> open_read_ring(std::uint32_t reads_max) {
    auto made = std::make_unique<shared_read_ring>();
    if (auto const opened = made->open(reads_max); !opened) return opened.error();
    return std::unique_ptr<read_ring>{std::move(made)};
}

}  // namespace submitit::io::uring
