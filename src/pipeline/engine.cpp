// SPDX-License-Identifier: Apache-2.0
#include "pipeline/engine.hpp"

#include "base/errc.hpp"
#include "pipeline/job.hpp"

namespace submitit::pipeline {

engine::engine(std::uint64_t memory_bytes, std::uint32_t slots, std::unique_ptr<runtime> runs_on)
    : memory_bytes_{memory_bytes}, slots_{slots}, memory_{memory_bytes, slots}, runtime_{std::move(runs_on)} {}

engine::~engine() { close(); }

result<engine::queued_job> engine::enqueue(archive::traits const& format, memory::booking const& job) {
    std::lock_guard const lock{sets_mutex_};
    auto const workers = runtime_->workers().workers();
    memory::booking wanted;
    wanted.fixed_bytes = workers * format.worker_bytes();
    auto both = job;
    both.fixed_bytes += wanted.fixed_bytes;
    if (!memory_.can_ever_fit(both)) return make_error_code(errc::budget_too_small);
    queued_job queued;
    if (!memory_.anyone_waits()) queued.encoders = find_set(format.options());
    if (!queued.encoders) {
        auto const booking = memory_.enqueue(wanted);
        if (!booking) return booking.error();
        queued.encoders = std::make_shared<encoder_set>(memory_, format, workers, *booking);
        if (memory_.is_booked(*booking) && !find_set(format.options())) sets_.push_back(queued.encoders);
    }
    auto const booking = memory_.enqueue(job);
    if (!booking) return booking.error();
    queued.booking = *booking;
    return queued;
}

std::shared_ptr<encoder_set> engine::share(std::shared_ptr<encoder_set> booked) {
    std::lock_guard const lock{sets_mutex_};
    if (auto known = find_set(booked->format())) return known;
    sets_.push_back(booked);
    return booked;
}

std::shared_ptr<encoder_set> engine::find_set(archive::format_options const& format) {
    std::erase_if(sets_, [](auto const& gone) { return gone.expired(); });
    for (auto const& known : sets_)
        if (auto shared = known.lock(); shared && shared->format() == format) return shared;
    return nullptr;
}

memory::slab engine::take_slab(std::size_t bytes) {
    auto taken = slabs_.take(bytes);
    trim_slabs();
    return taken;
}

void engine::give_slab(memory::slab used) { slabs_.give(std::move(used)); }

void engine::trim_slabs() { slabs_.trim(memory_bytes_ - memory_.stats().used_bytes); }

bool engine::enter(job& starting) {
    std::lock_guard const lock{jobs_mutex_};
    if (closed_) return false;
    jobs_.insert(&starting);
    return true;
}

void engine::leave(job& ended) {
    std::lock_guard const lock{jobs_mutex_};
    jobs_.erase(&ended);
    all_left_.notify_all();  // under the lock: the engine may go once it is released
}

void engine::stop() {
    std::lock_guard const lock{jobs_mutex_};
    closed_ = true;
    for (auto* const running : jobs_) running->cancel();
}

void engine::close() {
    stop();
    std::unique_lock lock{jobs_mutex_};
    all_left_.wait(lock, [this] { return jobs_.empty(); });
}

}  // namespace submitit::pipeline
