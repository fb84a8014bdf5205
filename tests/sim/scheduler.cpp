// SPDX-License-Identifier: Apache-2.0
#include "sim/scheduler.hpp"

#include <algorithm>

namespace submitit::sim {

scheduler::scheduler(std::uint64_t seed) : random_{seed} {
    for (auto& weight : weights_) weight = std::uint32_t{1} << (3 * below(4));
}

void scheduler::inject(std::uint64_t at_point, std::function<void()> what) {
    inject_at_ = at_point;
    injected_ = std::move(what);
}

void scheduler::point() {
    if (points_++ != inject_at_) return;
    inject_at_ = never;
    injected_();
}

bool scheduler::step() {
    point();
    if (waiting_.empty()) return false;
    ++steps_;
    ++now_;
    auto const next = pick();
    auto const work = std::move(waiting_[next].work);
    waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(next));
    work->run();
    return true;
}

/// Time goes on to the next thing that is due when nothing is; what comes last has all the others before it.
std::size_t scheduler::pick() {
    auto const earliest =
        std::min_element(waiting_.begin(), waiting_.end(), [](item const& a, item const& b) { return a.due < b.due; });
    if (earliest->due != never) now_ = std::max(now_, earliest->due);
    auto const ready = [this, last = earliest->due == never](item const& one) { return last || one.due <= now_; };
    std::uint64_t sum = 0;
    for (auto const& one : waiting_)
        if (ready(one)) sum += weights_[static_cast<std::size_t>(one.where)];
    auto left = below(sum);
    for (std::size_t i = 0;; ++i) {
        if (!ready(waiting_[i])) continue;
        auto const weight = weights_[static_cast<std::size_t>(waiting_[i].where)];
        if (left < weight) return i;
        left -= weight;
    }
}

}  // namespace submitit::sim
