// SPDX-License-Identifier: Apache-2.0
#include "library/handover.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include <boost/asio/error.hpp>

#include "base/errc.hpp"

namespace submitit::library {

namespace asio = boost::asio;

std::size_t handover::copy(std::span<std::byte> into) noexcept {
    auto const bytes = std::min(into.size(), current_.size());
    std::memcpy(into.data(), current_.data(), bytes);
    current_ = current_.subspan(bytes);
    return bytes;
}

asio::awaitable<result<>> handover::write(std::span<std::byte const> bytes) {
    auto const skipped = std::min<std::uint64_t>(skip_, bytes.size());
    skip_ -= skipped;
    bytes = bytes.subspan(static_cast<std::size_t>(skipped));
    if (bytes.empty()) co_return result<>{};
    reader served;
    std::size_t count = 0;
    {
        std::lock_guard const lock{mutex_};
        current_ = bytes;
        if (waiting_ && !aborted_) {
            served = std::move(waiting_);
            // Its buffer may be written only while its context cannot go.
            if (served.reserve()) count = copy(waiting_into_);
        }
    }
    if (served) std::move(served)(error_code{}, count);
    for (;;) {
        {
            std::lock_guard const lock{mutex_};
            if (aborted_) {
                current_ = {};
                co_return result<>{make_error_code(errc::cancelled)};
            }
            if (current_.empty()) co_return result<>{};
        }
        co_await taken_.wait();
    }
}

void handover::abort() noexcept {
    {
        std::lock_guard const lock{mutex_};
        aborted_ = true;
        current_ = {};
    }
    taken_.notify();
    if (on_abort_) on_abort_();
}

void handover::read(std::span<std::byte> into, error_code eof, reader on_read) {
    error_code why;
    std::size_t count = 0;
    {
        std::lock_guard const lock{mutex_};
        if (waiting_) {
            why = asio::error::already_started;
        } else if (!into.empty() && !current_.empty()) {
            if (on_read.reserve()) count = copy(into);
            // Under the lock: the job cannot go on, and end, before this call has done with it.
            if (current_.empty()) taken_.notify();
        } else if (ended_) {
            why = why_ ? why_ : eof;
        } else if (!into.empty()) {
            waiting_ = std::move(on_read);
            waiting_into_ = into;
            waiting_eof_ = eof;
            return;
        }
    }
    std::move(on_read)(why, count);
}

void handover::cancel_read() {
    reader cancelled;
    {
        std::lock_guard const lock{mutex_};
        cancelled = std::move(waiting_);
    }
    if (cancelled) std::move(cancelled)(asio::error::operation_aborted, 0);
}

void handover::end(error_code why) {
    reader last;
    error_code told;
    {
        std::lock_guard const lock{mutex_};
        ended_ = true;
        why_ = why;
        last = std::move(waiting_);
        told = why ? why : waiting_eof_;
    }
    if (last) std::move(last)(told, 0);
}

}  // namespace submitit::library
