// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "archive/traits.hpp"
#include "pipeline/admission.hpp"

namespace submitit::pipeline {

/// The encoders of one format and level, one a worker, made when the worker first needs it. Jobs that want the same share it.
///
/// Memory:  books all of them on construction, in the queue of jobs; so a job that is booked after it has them booked. Given
///          back with the set, which goes with the last job that uses it.
/// Threads: at() on the worker's own thread.
class encoder_set {
public:
    /// Not booked yet. `memory` outlives it.
    encoder_set(admission& memory, archive::traits format, unsigned workers, memory::job_id booking)
        : memory_{&memory}, format_{std::move(format)}, encoders_(workers), booking_{booking} {}
    encoder_set(encoder_set const&) = delete;
    encoder_set& operator=(encoder_set const&) = delete;
    ~encoder_set() {
        encoders_.clear();
        memory_->close(booking_);
    }

    [[nodiscard]] archive::encoder& at(unsigned worker) {
        auto& one = encoders_[worker];
        if (!one) one = format_.make_encoder();
        return *one;
    }
    [[nodiscard]] archive::format_options const& format() const noexcept { return format_.options(); }

private:
    admission* memory_;
    archive::traits format_;
    std::vector<std::unique_ptr<archive::encoder>> encoders_;
    memory::job_id booking_;
};

}  // namespace submitit::pipeline
