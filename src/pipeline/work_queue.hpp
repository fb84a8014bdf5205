// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pipeline/flight.hpp"
#include "status/snapshot.hpp"

namespace submitit::pipeline {

/// Where flights that have something to compute wait for a worker. Each runs flight::owner's work() once, on some worker.
class work_queue {
public:
    work_queue() = default;
    work_queue(work_queue const&) = delete;
    work_queue& operator=(work_queue const&) = delete;
    virtual ~work_queue() = default;

    /// From any thread. The flight is the worker's from here on.
    virtual void push(flight& ready) = 0;
    [[nodiscard]] virtual unsigned workers() const noexcept = 0;
    /// Without waiting for anybody.
    virtual void tell(status::worker_figures& into) const { into.workers = workers(); }
};

}  // namespace submitit::pipeline
