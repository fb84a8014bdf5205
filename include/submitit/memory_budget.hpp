// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/system/error_code.hpp>

#include "submitit/detail/completion.hpp"

namespace submitit {

class memory_budget;

namespace detail {
class budget_queue;
}

/// Bytes taken from a memory_budget, given back when it goes. Move-only. It may outlive the budget it came from.
///
/// Threads: one at a time; different leases on different threads.
class [[gnu::visibility("default")]] memory_lease {
public:
    /// Holds nothing.
    memory_lease() noexcept = default;
    /// Leaves `other` empty.
    memory_lease(memory_lease&& other) noexcept
        : from_{std::move(other.from_)}, bytes_{std::exchange(other.bytes_, 0)} {}
    /// Gives back what it held; leaves `other` empty.
    memory_lease& operator=(memory_lease&& other) noexcept {
        memory_lease moved{std::move(other)};
        std::swap(from_, moved.from_);
        std::swap(bytes_, moved.bytes_);
        return *this;
    }
    memory_lease(memory_lease const&) = delete;
    memory_lease& operator=(memory_lease const&) = delete;
    ~memory_lease() { release(); }

    /// What it holds; 0 when it is empty.
    [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }

    /// Gives a part back. `bytes` is what remains, at most bytes() (more changes nothing).
    void shrink(std::uint64_t bytes) noexcept;

    /// Gives everything back.
    void release() noexcept { shrink(0); }

private:
    friend class detail::budget_queue;
    memory_lease(std::shared_ptr<detail::budget_queue> from, std::uint64_t bytes) noexcept
        : from_{std::move(from)}, bytes_{bytes} {}

    std::shared_ptr<detail::budget_queue> from_;
    std::uint64_t bytes_ = 0;
};

namespace detail {

/// Who waits for memory, in order. Shared by a budget, its leases and the cancellation handlers. Thread-safe.
class [[gnu::visibility("default")]] budget_queue : public std::enable_shared_from_this<budget_queue> {
public:
    using handler = completion<boost::system::error_code, memory_lease>;

    explicit budget_queue(std::uint64_t limit_bytes);
    ~budget_queue();
    budget_queue(budget_queue const&) = delete;
    budget_queue& operator=(budget_queue const&) = delete;

    /// Grants or queues; the ticket is for cancel(), and never 0.
    [[nodiscard]] std::uint64_t reserve_ticket() noexcept;
    void acquire(std::uint64_t bytes, std::uint64_t ticket, handler on_granted);
    [[nodiscard]] memory_lease try_acquire(std::uint64_t bytes);
    void cancel(std::uint64_t ticket);
    void cancel_all();
    void give_back(std::uint64_t bytes) noexcept;

    [[nodiscard]] std::uint64_t limit_bytes() const noexcept;
    [[nodiscard]] std::uint64_t used_bytes() const noexcept;
    [[nodiscard]] std::uint64_t high_water_bytes() const noexcept;
    [[nodiscard]] std::uint64_t waiting() const noexcept;

private:
    struct [[gnu::visibility("hidden")]] state;
    void grant_waiting() noexcept;
    std::unique_ptr<state> state_;
};

}  // namespace detail

/// A number of bytes that many operations share: each waits, without a thread, until its part is free.
///
/// Order:    first come, first served, also when a later and smaller request would fit. So none starves; a holder that asks
///           for more while it holds some can wait for itself (ask once, for everything).
/// Threads:  all members are safe on any thread at once. Handlers run on their associated executor (default: get_executor()),
///           never inside an initiating function, nor inside a lease's destructor.
/// Lifetime: when it goes, what waits completes with operation_aborted; leases stay valid.
class memory_budget {
public:
    /// Where handlers run that name no executor.
    using executor_type = boost::asio::any_io_executor;

    /// Of `limit_bytes`, all of them free.
    memory_budget(executor_type executor, std::uint64_t limit_bytes)
        : executor_{std::move(executor)}, queue_{std::make_shared<detail::budget_queue>(limit_bytes)} {}

    /// Of `limit_bytes`, all of them free; on the executor of `context`.
    template <class Context>
        requires std::is_convertible_v<Context&, boost::asio::execution_context&>
    memory_budget(Context& context, std::uint64_t limit_bytes) : memory_budget{context.get_executor(), limit_bytes} {}

    memory_budget(memory_budget const&) = delete;
    memory_budget& operator=(memory_budget const&) = delete;
    ~memory_budget() { queue_->cancel_all(); }

    /// The one it was made with.
    [[nodiscard]] executor_type get_executor() const noexcept { return executor_; }

    /// Waits for `bytes`. Completion signature: void(boost::system::error_code, memory_lease).
    ///
    /// Fails:  errc::budget_too_small at once (posted) when `bytes` is above the limit; operation_aborted when cancelled.
    /// Cancel: every cancellation type; the request leaves the queue and takes nothing.
    template <boost::asio::completion_token_for<void(boost::system::error_code, memory_lease)> Token>
    auto async_acquire(std::uint64_t bytes, Token&& token) {
        return boost::asio::async_initiate<Token, void(boost::system::error_code, memory_lease)>(acquisition{this},
                                                                                                 token, bytes);
    }

    /// The bytes when they are free now and nobody waits; else an empty lease.
    [[nodiscard]] memory_lease try_acquire(std::uint64_t bytes) { return queue_->try_acquire(bytes); }

    /// Everything that waits completes with operation_aborted.
    void cancel() { queue_->cancel_all(); }

    /// The bytes there are.
    [[nodiscard]] std::uint64_t limit_bytes() const noexcept { return queue_->limit_bytes(); }
    /// The bytes of all leases together.
    [[nodiscard]] std::uint64_t used_bytes() const noexcept { return queue_->used_bytes(); }
    /// The largest used_bytes() ever; never above the limit.
    [[nodiscard]] std::uint64_t high_water_bytes() const noexcept { return queue_->high_water_bytes(); }
    /// Requests in the queue.
    [[nodiscard]] std::uint64_t waiting() const noexcept { return queue_->waiting(); }

private:
    struct acquisition {
        using executor_type = memory_budget::executor_type;
        [[nodiscard]] executor_type get_executor() const noexcept { return budget->get_executor(); }

        template <class Handler>
        void operator()(Handler&& handler, std::uint64_t bytes) const {
            auto const ticket = budget->queue_->reserve_ticket();
            auto slot = boost::asio::get_associated_cancellation_slot(handler);
            if (slot.is_connected()) {
                slot.assign([ticket, queue = std::weak_ptr{budget->queue_}](boost::asio::cancellation_type type) {
                    auto const alive = queue.lock();
                    if (alive && type != boost::asio::cancellation_type::none) alive->cancel(ticket);
                });
            }
            budget->queue_->acquire(bytes, ticket,
                                    detail::budget_queue::handler{std::forward<Handler>(handler), budget->executor_});
        }

        memory_budget* budget;
    };

    executor_type executor_;
    std::shared_ptr<detail::budget_queue> queue_;
};

}  // namespace submitit
