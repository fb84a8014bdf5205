// SPDX-License-Identifier: Apache-2.0
#include "pipeline/meters.hpp"

#include <algorithm>
#include <ctime>

namespace submitit::pipeline {
namespace {

constexpr double second_us = 1e6;

std::uint64_t thread_cpu_us() noexcept {
    ::timespec spent{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
    return static_cast<std::uint64_t>(spent.tv_sec) * 1'000'000 + static_cast<std::uint64_t>(spent.tv_nsec) / 1000;
}

}  // namespace

status::stage_figures stage_meter::told(std::uint64_t now_us) const {
    status::stage_figures made;
    made.busy_seconds = static_cast<double>(busy.sum_us(now_us)) / second_us;
    made.waiting_seconds = static_cast<double>(waiting.sum_us(now_us)) / second_us;
    made.items = items.get();
    made.bytes = bytes.get();
    made.depth = busy.depth() + waiting.depth();
    return made;
}

blocking_meter::visit::visit(blocking_meter& in, bool one_thread) noexcept
    : in_{&in}, cpu_began_us_{one_thread ? thread_cpu_us() : 0}, one_thread_{one_thread} {
    in_->inside_.enter(status::now_us());
}

blocking_meter::visit::~visit() {
    if (one_thread_) in_->cpu_us_.add(thread_cpu_us() - cpu_began_us_);
    in_->inside_.leave(status::now_us());
}

/// What goes on just now seems to wait until it is known what it cost, so what is told of waiting must not fall then.
status::stage_figures blocking_meter::told(std::uint64_t now_us) const {
    status::stage_figures made;
    auto const cpu = cpu_us_.get();
    auto const all = inside_.sum_us(now_us);
    auto const waited = waited_us_.raise_to(all - std::min(cpu, all));
    made.busy_seconds = static_cast<double>(cpu) / second_us;
    made.waiting_seconds = static_cast<double>(waited) / second_us;
    made.items = items.get();
    made.bytes = bytes.get();
    made.depth = inside_.depth();
    return made;
}

}  // namespace submitit::pipeline
