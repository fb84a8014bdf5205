// SPDX-License-Identifier: Apache-2.0
#include "cli/live_figures.hpp"

namespace submitit::cli {

live_figures::attached::attached(live_figures& to, pipeline::running_export& of) : to_{&to} {
    std::lock_guard const lock{to.mutex_};
    to.running_ = &of;
    if (to.is_paused_) of.pause();
}

live_figures::attached::~attached() {
    std::lock_guard const lock{to_->mutex_};
    to_->running_ = nullptr;
    to_->is_over_ = true;
}

status::snapshot live_figures::sample() {
    std::lock_guard const lock{mutex_};
    return is_over_ ? sampler_.last() : sampler_.sample();
}

void live_figures::set_paused(bool is) {
    std::lock_guard const lock{mutex_};
    is_paused_ = is;
    if (running_ == nullptr) return;
    if (is) running_->pause();
    else running_->resume();
}

}  // namespace submitit::cli
