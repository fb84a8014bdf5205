// SPDX-License-Identifier: Apache-2.0
// The half of a job that runs on workers: reading what is cached, encoding, and handing the rest to the backend.
#include <algorithm>

#include "base/errc.hpp"
#include "codec/crc32.hpp"
#include "pipeline/job.hpp"
#include "pipeline/reading.hpp"

namespace submitit::pipeline {

void job::work(flight& at, unsigned worker) {
    metrics_->queue.waiting.leave(status::now_us());
    try {
        do_work(at, worker);
    } catch (...) {  // the flight is still this worker's: handing it on is what each step does last
        fail_by_exception();
        seal(at);
    }
}

void job::do_work(flight& at, unsigned worker) {
    read_some(at, worker);
    if (!at.missing.empty()) return submit_missing(at);
    if (stopping()) return seal(at);
    if (options_.checksums) settle_checksums(at);
    if (wait_for_links(at)) return;
    encode(at, worker);
    seal(at);
}

void job::read_some(flight& at, unsigned worker) {
    status::staying const reading{metrics_->read.busy};
    if (at.laid_out) return settle_missing(at);
    at.laid_out = true;
    metrics_->queue.left(at.ticket.bytes);
    if (stopping()) return;
    encoders_->at(worker).layout(at.ticket, at.slab.bytes(), at.contents);
    read_cached(at);
}

void job::encode(flight& at, unsigned worker) {
    note_reads(at);
    status::staying const encoding{metrics_->codec.busy};
    bool const segment = at.ticket.kind == plan::ticket_kind::segment;
    if (!segment || (at.ticket.first_segment() && at.contents.front().left_out))
        collect_notices(at.contents, at.notices);
    at.done = encoders_->at(worker).encode(at.ticket, at.slab.bytes(), at.contents, planning_->links());
    if (segment) at.done.changed = at.contents.front().changed;
    metrics_->codec.left(at.done.payload.size());
}

void job::note_reads(flight const& at) {
    std::uint64_t bytes = 0;
    for (auto const& one : at.contents) bytes += one.op.got;
    metrics_->read.items.add(at.contents.size());
    metrics_->read.bytes.add(bytes);
}

void job::read_cached(flight& at) {
    std::uint64_t cached = 0;
    bool const segment = at.ticket.kind == plan::ticket_kind::segment;
    auto entry = at.ticket.entries.begin();
    for (std::uint32_t i = 0; i < at.contents.size(); ++i) {
        auto& one = at.contents[i];
        if (segment) {
            one.entry = &at.ticket.large->entry;
        } else {
            while (entry->kind != walk::entry_kind::file) ++entry;
            one.entry = &*entry++;
        }
        one.planned_bytes = one.op.bytes;
        one.op.context = &at;
        one.op.done = read_done;
        if (options_.measures && options_.checksums) {
            if (segment) one.crc = at.ticket.large->known_crc;
            else one.crc = options_.checksums->find(one.entry->stat);
            if (one.crc) {
                one.op.got = one.op.bytes;
                continue;
            }
        }
        if (!read_one(one, segment, cached)) at.missing.push_back(i);
    }
    metrics_->cached_reads.add(cached);
}

/// Reads out of the page cache until the content is settled; false when some of it must come from the device.
bool job::read_one(archive::content& one, bool segment, std::uint64_t& reads) {
    if (!engine_->runs_on().tries_cache()) return false;
    while (io::try_cached_read(one.op)) {
        ++reads;
        if ((segment ? judge_segment(one) : judge_whole(one)) == verdict::settled) return true;
        if (stopping()) return true;
    }
    return false;
}

void job::settle_missing(flight& at) {
    bool const segment = at.ticket.kind == plan::ticket_kind::segment;
    std::uint64_t cached = 0;
    auto const waited_for = std::exchange(at.missing, {});
    for (auto const i : waited_for) {
        auto& one = at.contents[i];
        metrics_->read_took(one.entry->name, one.entry->stat.ino, one.op.got, one.op.clock_us);
        if (stopping() || (segment ? judge_segment(one) : judge_whole(one)) == verdict::settled) continue;
        if (!read_one(one, segment, cached)) at.missing.push_back(i);
    }
    metrics_->cached_reads.add(cached);
}

void job::submit_missing(flight& at) {
    at.outstanding.store(static_cast<std::uint32_t>(at.missing.size()));
    backend_reads_.fetch_add(at.missing.size(), std::memory_order_relaxed);
    io::read_op* first = nullptr;
    for (auto i = at.missing.rbegin(); i != at.missing.rend(); ++i) {
        auto& op = at.contents[*i].op;
        op.next = std::exchange(first, &op);
    }
    metrics_->read.waiting.enter(status::now_us());
    engine_->runs_on().backend().submit(first);  // from here on the flight belongs to the backend
}

void job::read_done(io::read_op& op) noexcept {
    auto& at = *static_cast<flight*>(op.context);
    if (at.outstanding.fetch_sub(1) != 1) return;
    auto const now_us = status::now_us();
    at.owner->metrics_->read.waiting.leave(now_us);
    at.owner->give_to_workers(at, arrival::device, now_us);
}

/// The checksums of a batch: computed, kept for later, and held against what was promised.
void job::settle_checksums(flight& at) {
    if (at.ticket.kind == plan::ticket_kind::segment) return;  // those of its segments are put together in order
    for (auto& one : at.contents) {
        if (one.crc || one.left_out) continue;
        one.crc = codec::crc32(0, {one.op.data, static_cast<std::size_t>(one.op.got)});
        auto const known = options_.checksums->find(one.entry->stat);
        bool const as_promised = !one.changed && known && *known == *one.crc;
        if (options_.expected_digest && !as_promised)
            fail(failure_kind::source, make_error_code(errc::source_changed), one.entry->name);
        if (!one.changed) options_.checksums->put(one.entry->stat, *one.crc);
    }
}

/// True: parked until the tickets that hold the first names of its links are sealed. Those are earlier, so granted before
/// this one; only the newest is known, so all up to that one.
bool job::wait_for_links(flight& at) {
    if (!at.ticket.needs_sealed) return false;
    std::lock_guard const lock{flights_mutex_};
    if (*at.ticket.needs_sealed < sealed_below_) return false;
    parked_.push_back(&at);
    metrics_->codec.waiting.enter(status::now_us());
    return true;
}

void job::seal(flight& at) {
    std::vector<flight*> released;
    auto const now_us = status::now_us();
    {
        std::lock_guard const lock{flights_mutex_};
        sealed_.emplace(at.ticket.seq, &at);
        metrics_->order_wait.waiting.enter(now_us);
        while (sealed_.contains(sealed_below_)) ++sealed_below_;  // what the assembler took is below already
        auto const ready = std::partition(parked_.begin(), parked_.end(), [this](flight const* waiting) {
            return *waiting->ticket.needs_sealed >= sealed_below_;
        });
        released.assign(ready, parked_.end());
        parked_.erase(ready, parked_.end());
    }
    for (auto* const waiting : released) {
        metrics_->codec.waiting.leave(now_us);
        give_to_workers(*waiting, arrival::links, now_us);
    }
    sealed_changed_.notify();
}

}  // namespace submitit::pipeline
