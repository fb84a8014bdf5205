// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <type_traits>

#include <boost/asio/execution/context.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/query.hpp>

namespace submitit::detail {

class pending_operations;

/// A handler that waits for threads which are not its execution context's. Whoever claims it first (the result that comes, or the
/// context that ends) has it for himself; as long as it is enlisted its contexts live, since their shutdown waits for that.
class pending_operation {
public:
    pending_operation(pending_operation const&) = delete;
    pending_operation& operator=(pending_operation const&) = delete;

    [[nodiscard]] bool claim() noexcept { return !claimed_.exchange(true); }

protected:
    pending_operation() = default;
    ~pending_operation() = default;

private:
    friend class pending_operations;
    /// The context ends: destroy the handler, give up its work, delist. Called with the claim.
    virtual void abandon() noexcept = 0;

    std::atomic<bool> claimed_{false};
};

/// All handlers that wait for other threads' results on one execution context. When the context shuts down they are destroyed
/// uncalled, as its own services do with theirs; so an io_context may end before the operations that were started on it.
///
/// Threads: all members on any thread. shutdown() waits for completions that have begun; those never wait for it.
class pending_operations final : public boost::asio::execution_context::service {
public:
    using key_type = pending_operations;
    static inline boost::asio::execution_context::id id;

    /// A place in the list. Not movable while enlisted.
    struct link {
        pending_operation* operation = nullptr;
        pending_operations* in = nullptr;
        link* previous = nullptr;
        link* next = nullptr;
    };

    explicit pending_operations(boost::asio::execution_context& owner) : service(owner) {}

    /// The list of the executor's context; null for one that names none.
    template <class Executor>
    [[nodiscard]] static pending_operations* of(Executor const& executor) {
        if constexpr (boost::asio::can_query<Executor const&, boost::asio::execution::context_t>::value) {
            using context = std::decay_t<decltype(boost::asio::query(executor, boost::asio::execution::context))>;
            if constexpr (std::is_convertible_v<std::add_lvalue_reference_t<context>,
                                                boost::asio::execution_context&>) {
                boost::asio::execution_context& found = boost::asio::query(executor, boost::asio::execution::context);
                return &boost::asio::use_service<pending_operations>(found);
            }
        }
        return nullptr;
    }

    /// False: the context is shutting down already.
    [[nodiscard]] bool enlist(link& place, pending_operation& operation) noexcept {
        std::lock_guard const lock{mutex_};
        if (down_) return false;
        place.operation = &operation;
        place.in = this;
        place.previous = nullptr;
        place.next = first_;
        if (first_ != nullptr) first_->previous = &place;
        first_ = &place;
        return true;
    }

    /// With the claim. The context may end as soon as this returns.
    static void delist(link& place) noexcept {
        if (place.in == nullptr) return;
        auto& list = *place.in;
        std::lock_guard const lock{list.mutex_};
        (place.previous != nullptr ? place.previous->next : list.first_) = place.next;
        if (place.next != nullptr) place.next->previous = place.previous;
        place.in = nullptr;
        if (list.first_ == nullptr && list.down_) list.emptied_.notify_all();
    }

private:
    void shutdown() noexcept override {
        std::unique_lock lock{mutex_};
        down_ = true;
        for (;;) {
            auto* at = first_;
            while (at != nullptr && !at->operation->claim()) at = at->next;
            if (at == nullptr) break;
            auto* const operation = at->operation;
            lock.unlock();
            operation->abandon();
            lock.lock();
        }
        emptied_.wait(lock, [this] { return first_ == nullptr; });
    }

    std::mutex mutex_;
    std::condition_variable emptied_;
    link* first_ = nullptr;
    bool down_ = false;
};

}  // namespace submitit::detail
