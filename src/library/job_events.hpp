// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <mutex>

#include "async/wakeup.hpp"
#include "pipeline/options.hpp"
#include "submitit/detail/export_state.hpp"

namespace submitit::library {

/// Brings a job's events to the host, a batch a ticket; the next batch waits until the host has seen the one before, so they
/// cannot pile up.
///
/// Alive: `owner` holds it; so do batches under way.
class job_events final : public pipeline::observer {
public:
    job_events(detail::export_request const& request, std::weak_ptr<void> owner)
        : request_{&request}, owner_{std::move(owner)} {}

    [[nodiscard]] bool wanted() const noexcept {
        return request_->on_file_processed || request_->on_notice || request_->on_analysis_complete;
    }

    [[nodiscard]] async::asio::awaitable<void> analysed(std::uint64_t entries, std::uint64_t bytes) override;
    [[nodiscard]] async::asio::awaitable<void> assembled(pipeline::flight const& one) override;

    /// Goes with the ticket that is assembled next. On the job's executor.
    void note(notice const& told) { notices_.push_back(told); }

    /// The job waits for no host any more. From any thread.
    void abort() noexcept;

private:
    class receipt;

    [[nodiscard]] async::asio::awaitable<void> turn();
    [[nodiscard]] detail::export_request::token make_receipt();
    void collect_files(pipeline::flight const& one, std::vector<file_processed>& into);

    detail::export_request const* request_;
    std::weak_ptr<void> owner_;
    std::vector<notice> notices_;
    bool large_fails_ = false;  // the large file whose segments come now is not stored

    std::mutex mutex_;
    unsigned under_way_ = 0;  // receipts
    bool aborted_ = false;
    async::wakeup delivered_;
};

}  // namespace submitit::library
