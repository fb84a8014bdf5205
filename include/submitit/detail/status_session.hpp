// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/error.hpp>
#include <boost/system/error_code.hpp>
#include <boost/system/system_error.hpp>

#include "submitit/detail/pending_operations.hpp"
#include "submitit/detail/status_listening.hpp"
#include "submitit/detail/status_loop.hpp"

namespace submitit::detail {

/// An endpoint's hold on the loop that its execution context runs. Whoever ends first, endpoint or context, lets go of it, while the
/// context still lives: the loop is made of the context's own sockets and timers.
///
/// Threads: end() on any, once.
class status_session final : public pending_operation {
public:
    /// Null, and `error` says why.
    [[nodiscard]] static std::shared_ptr<status_session> start(boost::asio::any_io_executor const& executor,
                                                               status_listening& opened,
                                                               boost::system::error_code& error) {
        auto made = std::make_shared<status_session>();
        try {
            made->loop_ = std::make_shared<status_loop>(executor, opened.family(), opened.descriptor(), opened.hub());
        } catch (boost::system::system_error const& refused) {  // no more descriptors to poll, say
            error = refused.code();
            return nullptr;
        }
        opened.release();
        made->loop_->start();
        auto* const all = pending_operations::of(executor);
        if (all == nullptr) return made;
        made->self_ = made;
        if (all->enlist(made->place_, *made)) return made;
        error = boost::asio::error::operation_aborted;  // the context is ending
        if (made->claim()) made->abandon();
        return nullptr;
    }

    void end() noexcept {
        if (!claim()) return;
        try {
            loop_->stop();
        } catch (std::exception const&) {  // no memory: it serves on until its context ends
        }
        abandon();
    }

private:
    void abandon() noexcept override {
        auto const self = std::move(self_);
        loop_.reset();
        pending_operations::delist(place_);
    }

    std::shared_ptr<status_loop> loop_;
    std::shared_ptr<status_session> self_;  ///< as long as the context knows it
    pending_operations::link place_;
};

}  // namespace submitit::detail
