// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>

#include "pipeline/export.hpp"
#include "status/sampler.hpp"

namespace submitit::cli {

/// What the one export of a process does, for the progress line and the status endpoint; before it runs and once it has gone too.
/// Any thread.
class live_figures {
public:
    live_figures() = default;
    live_figures(live_figures const&) = delete;
    live_figures& operator=(live_figures const&) = delete;

    /// While one exists, `of` is looked at. Its end keeps the last figures.
    class attached {
    public:
        attached(live_figures& to, pipeline::running_export& of);
        ~attached();
        attached(attached const&) = delete;
        attached& operator=(attached const&) = delete;

    private:
        live_figures* to_;
    };

    /// Looks now.
    [[nodiscard]] status::snapshot sample();
    /// Also of an export that is still to come.
    void set_paused(bool is);

private:
    void look(status::snapshot& into) const {
        if (running_ != nullptr) running_->tell(into);
    }

    std::mutex mutex_;
    pipeline::running_export* running_ = nullptr;
    bool is_over_ = false;
    bool is_paused_ = false;
    status::sampler sampler_{[this](status::snapshot& into) { look(into); }};
};

}  // namespace submitit::cli
