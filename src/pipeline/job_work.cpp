// SPDX-License-Identifier: Apache-2.0
// The half of a job that runs on workers: reading what is cached, encoding, and handing the rest to the backend.
#include <algorithm>

#include "base/errc.hpp"
#include "codec/crc32.hpp"
#include "pipeline/job.hpp"
#include "pipeline/reading.hpp"

namespace submitit::pipeline {

void job::work(flight& at, unsigned worker) {
    try {
        do_work(at, worker);
    } catch (...) {  // the flight is still this worker's: handing it on is what each step does last
        fail_by_exception();
        seal(at);
    }
}

void job::do_work(flight& at, unsigned worker) {
    if (!at.laid_out) {
        at.laid_out = true;
        if (stopping()) return seal(at);
        encoders_->at(worker).layout(at.ticket, at.slab.bytes(), at.contents);
        read_cached(at);
    } else {
        settle_missing(at);
    }
    if (!at.missing.empty()) return submit_missing(at);
    if (stopping()) return seal(at);
    if (options_.checksums) settle_checksums(at);
    if (wait_for_links(at)) return;
    bool const segment = at.ticket.kind == plan::ticket_kind::segment;
    if (!segment || (at.ticket.first_segment() && at.contents.front().left_out))
        collect_notices(at.contents, at.notices);
    at.done = encoders_->at(worker).encode(at.ticket, at.slab.bytes(), at.contents, planning_->links());
    if (segment) at.done.changed = at.contents.front().changed;
    seal(at);
}

void job::read_cached(flight& at) {
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
        if (!read_one(one, segment)) at.missing.push_back(i);
    }
}

/// Reads out of the page cache until the content is settled; false when some of it must come from the device.
bool job::read_one(archive::content& one, bool segment) {
    if (!engine_->runs_on().tries_cache()) return false;
    while (io::try_cached_read(one.op)) {
        cached_reads_.fetch_add(1, std::memory_order_relaxed);
        if ((segment ? judge_segment(one) : judge_whole(one)) == verdict::settled) return true;
        if (stopping()) return true;
    }
    return false;
}

void job::settle_missing(flight& at) {
    bool const segment = at.ticket.kind == plan::ticket_kind::segment;
    auto const waited_for = std::exchange(at.missing, {});
    for (auto const i : waited_for) {
        auto& one = at.contents[i];
        if (stopping() || (segment ? judge_segment(one) : judge_whole(one)) == verdict::settled) continue;
        if (!read_one(one, segment)) at.missing.push_back(i);
    }
}

void job::submit_missing(flight& at) {
    at.outstanding.store(static_cast<std::uint32_t>(at.missing.size()));
    backend_reads_.fetch_add(at.missing.size(), std::memory_order_relaxed);
    io::read_op* first = nullptr;
    for (auto i = at.missing.rbegin(); i != at.missing.rend(); ++i) {
        auto& op = at.contents[*i].op;
        op.next = std::exchange(first, &op);
    }
    engine_->runs_on().backend().submit(first);  // from here on the flight belongs to the backend
}

void job::read_done(io::read_op& op) noexcept {
    auto& at = *static_cast<flight*>(op.context);
    if (at.outstanding.fetch_sub(1) == 1) at.owner->engine_->runs_on().workers().push(at);
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
    return true;
}

void job::seal(flight& at) {
    std::vector<flight*> released;
    {
        std::lock_guard const lock{flights_mutex_};
        sealed_.emplace(at.ticket.seq, &at);
        while (sealed_.contains(sealed_below_)) ++sealed_below_;  // what the assembler took is below already
        auto const ready = std::partition(parked_.begin(), parked_.end(), [this](flight const* waiting) {
            return *waiting->ticket.needs_sealed >= sealed_below_;
        });
        released.assign(ready, parked_.end());
        parked_.erase(ready, parked_.end());
    }
    for (auto* const waiting : released) engine_->runs_on().workers().push(*waiting);
    sealed_changed_.notify();
}

}  // namespace submitit::pipeline
