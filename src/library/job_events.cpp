// SPDX-License-Identifier: Apache-2.0
#include "library/job_events.hpp"

#include <utility>

#include "pipeline/flight.hpp"

namespace submitit::library {

namespace asio = boost::asio;

/// Says, by going, that a batch was delivered or lost.
class job_events::receipt {
public:
    receipt(std::shared_ptr<void> owner, job_events& to) : owner_{std::move(owner)}, to_{&to} {}
    receipt(receipt const&) = delete;
    receipt& operator=(receipt const&) = delete;
    ~receipt() {
        std::lock_guard const lock{to_->mutex_};
        --to_->under_way_;
        to_->delivered_.notify();  // under the lock: the job cannot go on, and end, before this has done with it
    }

private:
    std::shared_ptr<void> owner_;
    job_events* to_;
};

detail::export_request::token job_events::make_receipt() {
    {
        std::lock_guard const lock{mutex_};
        ++under_way_;
    }
    return std::make_shared<receipt>(owner_.lock(), *this);
}

/// Waits until nothing is under way.
asio::awaitable<void> job_events::turn() {
    for (;;) {
        {
            std::lock_guard const lock{mutex_};
            if (under_way_ == 0 || aborted_) co_return;
        }
        co_await delivered_.wait();
    }
}

void job_events::abort() noexcept {
    {
        std::lock_guard const lock{mutex_};
        aborted_ = true;
    }
    delivered_.notify();
}

asio::awaitable<void> job_events::analysed(std::uint64_t entries, std::uint64_t bytes) {
    if (request_->on_analysis_complete) request_->on_analysis_complete({{entries, bytes}}, nullptr);
    co_return;
}

asio::awaitable<void> job_events::assembled(pipeline::flight const& one) {
    std::vector<file_processed> files;
    if (request_->on_file_processed) collect_files(one, files);
    auto notices = std::exchange(notices_, {});
    if (files.empty() && notices.empty()) co_return;
    co_await turn();
    auto const delivered = make_receipt();
    if (!files.empty()) request_->on_file_processed(std::move(files), delivered);
    if (!notices.empty()) request_->on_notice(std::move(notices), delivered);
}

void job_events::collect_files(pipeline::flight const& one, std::vector<file_processed>& into) {
    auto const& ticket = one.ticket;
    if (ticket.kind == plan::ticket_kind::segment) {
        if (ticket.first_segment()) large_fails_ = false;
        large_fails_ = large_fails_ || one.done.left_out;
        if (ticket.last_segment && !large_fails_)
            into.push_back({ticket.large->entry.name, ticket.large->declared_bytes});
        return;
    }
    for (auto const& content : one.contents)
        if (!content.left_out) into.push_back({content.entry->name, content.op.got});
}

}  // namespace submitit::library
