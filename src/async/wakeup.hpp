// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <mutex>
#include <utility>

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace submitit::async {

namespace asio = boost::asio;

/// An auto-reset event: one coroutine waits, any thread notifies. A notification while nobody waits is kept (one of them), so a
/// waiter that re-checks its condition in a loop misses nothing. The waiter resumes through its own executor, never
/// inside notify().
///
/// Lifetime: outlives its waiter. Not a timer, no descriptor.
class wakeup {
public:
    void notify() {
        std::unique_ptr<waiter> resumed;
        {
            std::lock_guard const lock{mutex_};
            if (waiter_ == nullptr) {
                set_ = true;
                return;
            }
            resumed = std::move(waiter_);
        }
        resumed->resume();
    }

    /// Waits for a notification and consumes it. One waiter at a time.
    [[nodiscard]] asio::awaitable<void> wait() {
        return asio::async_initiate<asio::use_awaitable_t<> const, void()>(initiation{this}, asio::use_awaitable);
    }

private:
    struct waiter {
        virtual ~waiter() = default;
        virtual void resume() = 0;
    };

    template <class Handler>
    struct waiting final : waiter {
        explicit waiting(Handler&& h) : handler{std::move(h)} {}
        void resume() override {
            auto executor = asio::get_associated_executor(handler);
            asio::post(executor, std::move(handler));
        }
        Handler handler;
    };

    struct initiation {
        explicit initiation(wakeup* on) : event{on} {}
        template <class Handler>
        void operator()(Handler&& handler) const {
            using decayed = std::decay_t<Handler>;
            std::unique_ptr<waiter> made = std::make_unique<waiting<decayed>>(std::forward<Handler>(handler));
            {
                std::lock_guard const lock{event->mutex_};
                if (!event->set_) {
                    event->waiter_ = std::move(made);
                    return;
                }
                event->set_ = false;
            }
            made->resume();
        }
        wakeup* event;
    };

    std::mutex mutex_;
    bool set_ = false;
    std::unique_ptr<waiter> waiter_;
};

}  // namespace submitit::async
