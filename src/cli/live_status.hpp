// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>

#include "pipeline/export.hpp"
#include "status/sampler.hpp"

namespace submitit::cli {

/// The one export of this process as its endpoint sees it: nothing before it starts, and how it ended after its end. Thread-safe.
class live_status {
public:
    live_status();
    live_status(live_status const&) = delete;
    live_status& operator=(live_status const&) = delete;

    [[nodiscard]] status::snapshot sample();
    void pause();
    void resume();

    /// As long as it lives, `of` is what is looked at.
    class watch {
    public:
        watch(live_status& in, pipeline::running_export& of);
        ~watch();
        watch(watch const&) = delete;
        watch& operator=(watch const&) = delete;

    private:
        live_status* in_;
    };

private:
    std::mutex mutex_;
    pipeline::running_export* running_ = nullptr;
    status::sampler sampler_;
};

}  // namespace submitit::cli
