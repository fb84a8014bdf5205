// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <utility>

#include <boost/asio/append.hpp>
#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

namespace submitit::detail {

/// A completion handler of any type, waiting for its result: move-only, called at most once.
///
/// Memory:  from the handler's associated allocator.
/// Threads: called on any thread, but never touched by two at once. The handler runs through its associated executor,
///          always posted, never inside the call.
/// Work:    keeps both executors, the handler's and the object's, from running out of work until then.
template <class... Args>
class completion {
public:
    completion() noexcept = default;

    /// `executor` is that of the object the operation was started on.
    template <class Handler, class Executor>
    completion(Handler&& handler, Executor const& executor)
        : held_{model<std::decay_t<Handler>, Executor>::make(std::forward<Handler>(handler), executor)} {}

    completion(completion&& other) noexcept : held_{std::exchange(other.held_, nullptr)} {}
    completion& operator=(completion&& other) noexcept {
        completion{std::move(other)}.swap(*this);
        return *this;
    }
    completion(completion const&) = delete;
    completion& operator=(completion const&) = delete;
    /// A handler that was not called is destroyed.
    ~completion() {
        if (held_ != nullptr) held_->destroy();
    }

    explicit operator bool() const noexcept { return held_ != nullptr; }

    void operator()(Args... args) && { std::exchange(held_, nullptr)->complete(std::move(args)...); }

private:
    struct concept_type {
        virtual void complete(Args... args) = 0;
        virtual void destroy() noexcept = 0;

    protected:
        ~concept_type() = default;
    };

    template <class Handler, class Executor>
    struct model final : concept_type {
        using allocator_type =
            typename std::allocator_traits<boost::asio::associated_allocator_t<Handler>>::template rebind_alloc<model>;
        using handler_executor = boost::asio::associated_executor_t<Handler, Executor>;

        template <class H>
        model(H&& from, Executor const& executor)
            : handler(std::forward<H>(from)),
              object_work(executor),
              handler_work(boost::asio::get_associated_executor(handler, executor)) {}

        template <class H>
        static model* make(H&& handler, Executor const& executor) {
            allocator_type allocator{boost::asio::get_associated_allocator(handler)};
            auto* const memory = std::allocator_traits<allocator_type>::allocate(allocator, 1);
            try {
                return ::new (static_cast<void*>(memory)) model(std::forward<H>(handler), executor);
            } catch (...) {
                std::allocator_traits<allocator_type>::deallocate(allocator, memory, 1);
                throw;
            }
        }

        void complete(Args... args) override {
            auto to = std::move(handler);
            auto const working = std::move(handler_work);
            auto const object_working = std::move(object_work);
            destroy_with(to);  // before the handler runs, so that it may use the memory again
            boost::asio::post(working.get_executor(), boost::asio::append(std::move(to), std::move(args)...));
        }

        void destroy() noexcept override {
            auto to = std::move(handler);
            destroy_with(to);
        }

        void destroy_with(Handler const& moved) noexcept {
            allocator_type allocator{boost::asio::get_associated_allocator(moved)};
            this->~model();
            std::allocator_traits<allocator_type>::deallocate(allocator, this, 1);
        }

        Handler handler;
        boost::asio::executor_work_guard<Executor> object_work;
        boost::asio::executor_work_guard<handler_executor> handler_work;
    };

    void swap(completion& other) noexcept { std::swap(held_, other.held_); }

    concept_type* held_ = nullptr;
};

}  // namespace submitit::detail
