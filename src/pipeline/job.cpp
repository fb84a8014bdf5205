// SPDX-License-Identifier: Apache-2.0
#include "pipeline/job.hpp"

#include <sys/resource.h>

#include <algorithm>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>

#include "base/errc.hpp"
#include "pipeline/reading.hpp"

namespace submitit::pipeline {

namespace asio = boost::asio;

namespace {

constexpr char const* spill_failed = "a temporary file in $TMPDIR failed";

std::uint32_t open_files_limit() noexcept {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > 65536) return 65536;
    return static_cast<std::uint32_t>(limit.rlim_cur);
}

}  // namespace

job::job(export_options options, publish::sink& output, live_progress& progress, std::atomic<bool>& stop)
    : options_{std::move(options)}, output_{&output}, progress_{&progress}, stop_{&stop}, traits_{options_.format} {}

job::~job() {
    if (planner_thread_.joinable()) planner_thread_.join();
}

void job::fail(failure_kind kind, error_code error, std::string path, std::string detail) {
    std::lock_guard const lock{failure_mutex_};
    if (failed_.load()) return;  // the first cause is the one to tell
    report_.failure = {kind, error, std::move(path), std::move(detail)};
    failed_.store(true);
}

/// Divides the memory and makes every part. False: report_.failure says why not.
bool job::set_up() {
    auto const processors = std::max(std::thread::hardware_concurrency(), 1U);
    auto const jobs = options_.jobs != 0 ? options_.jobs : processors;
    memory_ =
        plan_memory(traits_, options_.memory_bytes, jobs, options_.watched, walk::footprint_bytes(options_.sources));
    report_.memory_limit_bytes = memory_.limit_bytes;
    report_.workers = memory_.workers;

    auto const limit = open_files_limit();
    auto const slots = std::max(limit / 4, 2U);
    admission_ = std::make_unique<admission>(memory_.limit_bytes, slots);
    if (auto const booked = admission_->reserve_engine(memory_.engine_bytes);
        !booked || memory_.needed_bytes > memory_.limit_bytes) {
        fail(failure_kind::budget, make_error_code(errc::budget_too_small), {}, std::to_string(memory_.needed_bytes));
        return false;
    }
    if (options_.sources.size() > 1) memory_.booking.head_reserve.slots = std::min(slots, plan::batch_roots_max);
    options_.io.open_slots = std::min(options_.io.open_slots, slots);
    auto selected = io::select_backend(options_.io, &report_.backend);
    if (!selected) {
        fail(failure_kind::io_backend, selected.error(), {}, report_.backend.reason);
        return false;
    }
    backend_ = std::move(selected->engine);
    report_.backend = selected->report;

    auto shape = traits_.shape();
    shape.large_files_open_max = std::max(limit / 8, 1U);
    shape.link_window_bytes = memory_plan::link_window_bytes;
    options_.walk.window_bytes = memory_plan::walk_window_bytes;
    options_.walk.stopping = [this] { return stopping(); };
    walker_ = std::make_unique<walk::walker>(std::move(options_.sources), options_.walk);
    planner_ = std::make_unique<plan::planner>(*walker_, std::move(shape));
    slabs_ = std::make_unique<memory::slab_pool>(traits_.slab_bytes());
    container_ = traits_.make_container(memory_.workers);
    for (unsigned worker = 0; worker < memory_.workers; ++worker) encoders_.push_back(traits_.make_encoder());
    workers_ =
        std::make_unique<worker_pool>(memory_.workers, [this](flight& at, unsigned worker) { work(at, worker); });
    return true;
}

asio::awaitable<export_report> job::run() {
    started_ = std::chrono::steady_clock::now();
    auto const executor = co_await asio::this_coro::executor;
    bool published = false;
    if (set_up()) {
        auto const opened = co_await admission_->open(memory_.booking);
        if (!opened) {
            fail(failure_kind::budget, opened.error(), {}, std::to_string(memory_.needed_bytes));
        } else {
            job_id_ = *opened;
            planner_thread_ = std::thread{[this] { plan_all(); }};
            asio::co_spawn(executor, admit(), [this](std::exception_ptr const& thrown) {
                if (thrown) std::rethrow_exception(thrown);
                admit_done_ = true;
                admit_ended_.notify();
            });
            co_await assemble();
            while (!admit_done_) co_await admit_ended_.wait();
            planner_thread_.join();
            published = finish();
            admission_->close(job_id_);
        }
    }
    if (stop_->load() && !published) fail(failure_kind::cancelled, make_error_code(errc::cancelled));
    workers_.reset();
    if (backend_) report_.io = backend_->counters();
    backend_.reset();
    if (admission_) report_.budget = admission_->stats();
    report_.cached_reads = cached_reads_.load();
    report_.backend_reads = backend_reads_.load();
    report_.output_bytes = progress_->output_bytes.load();
    report_.output_path = output_->path();
    report_.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
    co_return std::move(report_);
}

// ---- planner thread

void job::plan_all() {
    bool whole = plan_tickets();
    // A file nobody can read fails under each of its names: no round for every name.
    for (int round = 1; whole && plan_orphans(round == 3); ++round) whole = plan_tickets();
    if (whole && planner_->entries() != 0 && traits_.is_tar()) hand_over(planner_->trailer());
    if (whole && planner_->entries() == 0) fail(failure_kind::nothing_to_store, {});
    planned_.close();
}

bool job::plan_tickets() {
    while (!stopping()) {
        plan::ticket ticket;
        auto const more = planner_->next(ticket);
        if (!more) {
            auto const& source = walker_->failed_source();
            if (source.empty()) fail(failure_kind::output, more.error(), {}, spill_failed);
            else fail(failure_kind::source, more.error(), source);
            return false;
        }
        if (stopping()) break;
        if (!*more) return true;
        hand_over(std::move(ticket));
    }
    return false;
}

/// Names whose first name could not be stored follow as ordinary entries, once it is known which.
bool job::plan_orphans(bool last_time) {
    if (!planner_->planned_links()) return false;
    {
        std::unique_lock lock{flights_mutex_};
        all_retired_.wait(lock, [this] { return retired_count_ == planned_count_ || stopping(); });
    }
    auto spilled = links_.error();
    if (!stopping() && !spilled && !orphans_.empty()) {
        links_.clear();
        auto const planned = planner_->plan_again(std::exchange(orphans_, {}), last_time);
        if (planned) return true;
        spilled = planned.error();
    }
    if (spilled) fail(failure_kind::output, spilled, {}, spill_failed);
    return false;
}

void job::hand_over(plan::ticket ticket) {
    {
        std::lock_guard const lock{flights_mutex_};
        ++planned_count_;
    }
    auto made = std::make_unique<flight>();
    made->ticket = std::move(ticket);
    made->owner = this;
    planned_.send(std::move(made));
}

// ---- admission

asio::awaitable<void> job::admit() {
    std::uint64_t asked = 0;
    for (;;) {
        auto next = co_await planned_.receive();
        if (!next) break;
        if (stopping()) {
            std::lock_guard const lock{flights_mutex_};
            all_retired_.notify_all();  // a dropped ticket never retires; the planner must not wait for it
            continue;
        }
        auto& at = **next;
        memory::request wanted;
        wanted.bytes = slabs_->slab_bytes() + ticket_records_bytes(at.ticket);
        wanted.slots = std::clamp(at.ticket.roots, 1U, memory_.booking.head_reserve.slots);
        co_await admission_->acquire(job_id_, at.ticket.seq, wanted);
        asked = at.ticket.seq + 1;
        at.slab = slabs_->take();
        {
            std::lock_guard const lock{flights_mutex_};
            flights_.emplace(at.ticket.seq, std::move(*next));
        }
        workers_->push(at);
    }
    {
        std::lock_guard const lock{flights_mutex_};
        last_seq_ = asked;
    }
    sealed_changed_.notify();
}

// ---- workers

void job::work(flight& at, unsigned worker) {
    if (!at.laid_out) {
        at.laid_out = true;
        if (stopping()) return seal(at);
        encoders_[worker]->layout(at.ticket, at.slab.bytes(), at.contents);
        read_cached(at);
    } else {
        settle_missing(at);
    }
    if (!at.missing.empty()) return submit_missing(at);
    if (stopping()) return seal(at);
    if (wait_for_links(at)) return;
    bool const segment = at.ticket.kind == plan::ticket_kind::segment;
    if (!segment || (at.ticket.first_segment() && at.contents.front().left_out))
        collect_notices(at.contents, at.notices);
    at.done = encoders_[worker]->encode(at.ticket, at.slab.bytes(), at.contents, links_);
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
        if (!read_one(one, segment)) at.missing.push_back(i);
    }
}

/// Reads out of the page cache until the content is settled; false when some of it must come from the device.
bool job::read_one(archive::content& one, bool segment) {
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
    backend_->submit(first);  // from here on the flight belongs to the backend
}

void job::read_done(io::read_op& op) noexcept {
    auto& at = *static_cast<flight*>(op.context);
    if (at.outstanding.fetch_sub(1) == 1) at.owner->workers_->push(at);
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
        if (stopping()) all_retired_.notify_all();
    }
    for (auto* const waiting : released) workers_->push(*waiting);
    sealed_changed_.notify();
}

// ---- assembler

asio::awaitable<flight*> job::next_sealed(std::uint64_t seq) {
    for (;;) {
        {
            std::lock_guard const lock{flights_mutex_};
            if (auto const at = sealed_.find(seq); at != sealed_.end()) {
                auto* const found = at->second;
                sealed_.erase(at);
                co_return found;
            }
            if (last_seq_ && seq == *last_seq_) co_return nullptr;
        }
        co_await sealed_changed_.wait();
    }
}

asio::awaitable<void> job::assemble() {
    if (!stopping()) {
        list_.clear();
        container_->begin(list_);
        carry_out(list_);
    }
    for (std::uint64_t seq = 0;; ++seq) {
        auto* const sealed = co_await next_sealed(seq);
        if (sealed == nullptr) break;
        if (!stopping()) take(*sealed);
        retire(*sealed);
    }
}

void job::take(flight& sealed) {
    if (sealed.ticket.kind == plan::ticket_kind::trailer && !may_end()) return;
    list_.clear();
    auto const& done = sealed.done;
    if (auto const placed = container_->append(sealed.ticket, done, list_); !placed)
        return fail(failure_kind::output, placed.error(), {},
                    "the archive's directory cannot be kept in a temporary file");
    carry_out(list_);
    report_.files += done.files - list_.withdrawn_files;
    report_.content_bytes += done.content_bytes - list_.withdrawn_bytes;
    report_.directories += done.directories;
    report_.links += done.links;
    report_.others += done.others;
    for (auto const& notice : sealed.ticket.notices) tell(notice);
    for (auto const& notice : sealed.notices) tell(notice);
    for (auto const& notice : done.notices) tell(notice);
    for (auto const& notice : list_.notices) tell(notice);
    for (auto const& orphan : done.orphans)
        if (auto const kept = orphans_.append(orphan); !kept)
            fail(failure_kind::output, kept.error(), {}, spill_failed);
    report_.entries = report_.files + report_.directories + report_.links + report_.others;
    progress_->entries.store(report_.entries, std::memory_order_relaxed);
    progress_->content_bytes.store(report_.content_bytes, std::memory_order_relaxed);
    ++report_.tickets;
}

void job::carry_out(archive::output_list const& list) {
    auto const check = [this](result<> const& done) {
        if (!done)
            fail(done.error() == errc::cancelled ? failure_kind::cancelled : failure_kind::output, done.error(),
                 output_->path());
        return done.has_value();
    };
    auto written = progress_->output_bytes.load(std::memory_order_relaxed);
    if (list.cut_back_to) {
        if (!check(output_->cut_back(*list.cut_back_to))) return;
        written = *list.cut_back_to;
    }
    for (auto const piece : list.pieces) {
        if (!check(output_->write(piece))) return;
        written += piece.size();
    }
    if (list.overwrite && !check(output_->overwrite(list.overwrite->offset, list.overwrite->bytes))) return;
    progress_->output_bytes.store(written, std::memory_order_relaxed);
}

void job::retire(flight& done) {
    auto const seq = done.ticket.seq;
    slabs_->give(std::move(done.slab));
    {
        std::lock_guard const lock{flights_mutex_};
        flights_.erase(seq);
        if (++retired_count_ == planned_count_ || stopping()) all_retired_.notify_all();
    }
    admission_->retire(job_id_, seq);
}

void job::tell(walk::notice const& notice) {
    ++report_.notices[static_cast<std::size_t>(notice.kind)];
    if (report_.first_notices.size() < 20) report_.first_notices.push_back(notice);
    if (!walk::is_note(notice.kind)) progress_->warnings.fetch_add(1, std::memory_order_relaxed);
    if (options_.on_notice) options_.on_notice(notice);
}

/// Asked before the first byte of the archive's end: a reader on a pipe takes an archive that has one for whole.
bool job::may_end() {
    if (!stopping() && report_.entries == 0) fail(failure_kind::nothing_to_store, {});
    if (!stopping() && options_.strict && report_.warnings() != 0) fail(failure_kind::strict, {});
    return !stopping();
}

/// The container's end, then the name. Nothing of either after a failure. True: the output is published.
bool job::finish() {
    if (!may_end()) return false;
    while (!stopping()) {
        list_.clear();
        auto const more = container_->finish(list_);
        if (!more) fail(failure_kind::output, more.error(), {}, "the archive's directory cannot be read back");
        if (!more || !*more) break;
        carry_out(list_);
    }
    if (stopping()) return false;
    progress_->publishing.store(true);
    auto const published = output_->commit();
    if (!published) fail(failure_kind::output, published.error(), output_->path());
    return published.has_value();
}

}  // namespace submitit::pipeline
