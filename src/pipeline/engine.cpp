// SPDX-License-Identifier: Apache-2.0
#include "pipeline/engine.hpp"

#include <algorithm>
#include <thread>

#include "base/errc.hpp"
#include "pipeline/job.hpp"

namespace submitit::pipeline {

namespace {

/// Jobs that ended and are still told of.
constexpr std::size_t ended_shown = 8;

}  // namespace

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
        try {
            queued.encoders = std::make_shared<encoder_set>(memory_, format, workers, *booking);
        } catch (...) {
            memory_.close(*booking);
            throw;
        }
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
    starting.metrics().set_id(++last_id_);
    jobs_.emplace(&starting, starting.shared_metrics());
    return true;
}

void engine::leave(job& ended) {
    std::lock_guard const lock{jobs_mutex_};
    cached_reads_of_ended_ += ended.metrics().cached_reads.get();
    ended_.push_back(ended.shared_metrics());
    if (ended_.size() > ended_shown) ended_.pop_front();
    jobs_.erase(&ended);
    all_left_.notify_all();  // under the lock: the engine may go once it is released
}

void engine::tell(status::snapshot& into) const {
    std::vector<std::shared_ptr<job_metrics>> asked;
    std::uint64_t cached_reads = 0;
    {
        std::lock_guard const lock{jobs_mutex_};
        asked.assign(ended_.begin(), ended_.end());
        for (auto const& [running, metrics] : jobs_) asked.push_back(metrics);
        cached_reads = cached_reads_of_ended_;
        for (auto const& [running, metrics] : jobs_) cached_reads += metrics->cached_reads.get();
    }
    into.jobs.clear();
    into.jobs.reserve(asked.size());
    for (auto const& one : asked) into.jobs.push_back(one->told());
    std::sort(into.jobs.begin(), into.jobs.end(), [](auto const& a, auto const& b) { return a.id < b.id; });
    memory_.tell(into.budget);
    auto& backend = runtime_->backend();
    auto const counters = backend.counters();
    into.io.backend = io::to_string(backend.kind());
    into.io.operations = counters.ops;
    into.io.bytes = counters.bytes;
    into.io.short_reads = counters.short_reads;
    into.io.retries = counters.retries;
    into.io.descriptor_waits = counters.descriptor_waits;
    into.io.plain_reads = counters.plain_reads;
    into.io.cached_reads = cached_reads;
    backend.tell(into.io);
    runtime_->workers().tell(into.workers);
    into.workers.processors = std::thread::hardware_concurrency();
}

void engine::stop() {
    std::lock_guard const lock{jobs_mutex_};
    closed_ = true;
    for (auto const& [running, metrics] : jobs_) running->cancel();
}

void engine::close() {
    stop();
    std::unique_lock lock{jobs_mutex_};
    all_left_.wait(lock, [this] { return jobs_.empty(); });
}

}  // namespace submitit::pipeline
