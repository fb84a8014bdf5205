// SPDX-License-Identifier: Apache-2.0
#include "cli/live_status.hpp"

namespace submitit::cli {

live_status::live_status()
    : sampler_{[this](status::snapshot& into) {
          if (running_ != nullptr) running_->tell(into);  // else it stays as it was last
      }} {}

status::snapshot live_status::sample() {
    std::lock_guard const lock{mutex_};
    return sampler_.sample();
}

void live_status::pause() {
    std::lock_guard const lock{mutex_};
    if (running_ != nullptr) running_->pause();
}

void live_status::resume() {
    std::lock_guard const lock{mutex_};
    if (running_ != nullptr) running_->resume();
}

live_status::watch::watch(live_status& in, pipeline::running_export& of) : in_{&in} {
    std::lock_guard const lock{in_->mutex_};
    in_->running_ = &of;
}

live_status::watch::~watch() {
    std::lock_guard const lock{in_->mutex_};
    in_->sampler_.sample();
    in_->running_ = nullptr;
}

}  // namespace submitit::cli
