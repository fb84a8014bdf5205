// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <utility>

#include <boost/asio/append.hpp>
#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include "submitit/detail/pending_operations.hpp"

namespace submitit::detail {

/// A completion handler of any type, waiting for its result: move-only, called at most once.
///
/// Memory:  the handler and its work from the handler's associated allocator; some 100 bytes beside from operator new.
/// Threads: called on any thread, but never touched by two at once. The handler runs through its associated executor,
///          always posted, never inside the call.
/// Work:    keeps both executors, the handler's and the object's, from running out of work until then.
/// Context: when an execution context of either ends first, the handler is destroyed uncalled, and a call does nothing.
template <class... Args>
class completion {
public:
    completion() noexcept = default;

    /// `executor` is that of the object the operation was started on.
    template <class Handler, class Executor>
    completion(Handler&& handler, Executor const& executor)
        : held_{record::make(std::forward<Handler>(handler), executor)} {}

    completion(completion&& other) noexcept
        : held_{std::exchange(other.held_, nullptr)}, reserved_{std::exchange(other.reserved_, false)} {}
    completion& operator=(completion&& other) noexcept {
        completion{std::move(other)}.swap(*this);
        return *this;
    }
    completion(completion const&) = delete;
    completion& operator=(completion const&) = delete;
    /// A handler that was not called is destroyed.
    ~completion() {
        if (held_ == nullptr) return;
        if (reserved_ || held_->claim()) held_->abandon();
        held_->let_go();
    }

    explicit operator bool() const noexcept { return held_ != nullptr; }

    /// Makes the handler safe from its contexts' end until it is called, which must follow soon: they wait for it. So memory that
    /// belongs to the handler may be written. False: it is gone already.
    [[nodiscard]] bool reserve() noexcept {
        reserved_ = reserved_ || held_->claim();
        return reserved_;
    }

    void operator()(Args... args) && {
        auto* const called = std::exchange(held_, nullptr);
        letting_go const hold{called};  // also when there is no memory for the post: then the handler is gone
        if (std::exchange(reserved_, false) || called->claim()) called->complete(std::move(args)...);
    }

private:
    /// The handler with what its executors need.
    struct concept_type {
        virtual void complete(Args... args) = 0;
        virtual void destroy() noexcept = 0;

    protected:
        ~concept_type() = default;
    };

    /// Shared by the completion and by the lists of the contexts.
    class record final : public pending_operation {
    public:
        template <class Handler, class Executor>
        static record* make(Handler&& handler, Executor const& executor) {
            auto made = std::make_unique<record>();
            made->model_ =
                model<std::decay_t<Handler>, Executor>::make(std::forward<Handler>(handler), executor, made->contexts_);
            if (!made->enlist() && made->claim()) made->abandon();
            return made.release();
        }

        void complete(Args... args) {
            delisting const both{this};
            model_->complete(std::move(args)...);
        }

        void abandon() noexcept override {
            if (model_ != nullptr) model_->destroy();
            delist();
            let_go();
        }

        void let_go() noexcept {
            if (holders_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
        }

    private:
        struct delisting {
            record* of;
            ~delisting() {
                of->delist();
                of->let_go();
            }
        };
        [[nodiscard]] bool enlist() noexcept {
            bool alive = true;
            for (std::size_t i = 0; i < 2; ++i)
                if (contexts_[i] != nullptr) alive = contexts_[i]->enlist(links_[i], *this) && alive;
            return alive;
        }
        void delist() noexcept {
            for (auto& place : links_) pending_operations::delist(place);
        }

        concept_type* model_ = nullptr;
        pending_operations* contexts_[2] = {nullptr, nullptr};
        pending_operations::link links_[2];
        std::atomic<int> holders_{2};  // the completion; the claim
    };

    struct letting_go {
        record* of;
        ~letting_go() { of->let_go(); }
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
        static model* make(H&& handler, Executor const& executor, pending_operations* (&contexts)[2]) {
            allocator_type allocator{boost::asio::get_associated_allocator(handler)};
            auto* const memory = std::allocator_traits<allocator_type>::allocate(allocator, 1);
            model* made = nullptr;
            try {
                made = ::new (static_cast<void*>(memory)) model(std::forward<H>(handler), executor);
                contexts[0] = pending_operations::of(made->handler_work.get_executor());
                contexts[1] = pending_operations::of(executor);
                if (contexts[1] == contexts[0]) contexts[1] = nullptr;
                return made;
            } catch (...) {
                if (made != nullptr) made->destroy();
                else std::allocator_traits<allocator_type>::deallocate(allocator, memory, 1);
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

    void swap(completion& other) noexcept {
        std::swap(held_, other.held_);
        std::swap(reserved_, other.reserved_);
    }

    record* held_ = nullptr;
    bool reserved_ = false;
};

}  // namespace submitit::detail
