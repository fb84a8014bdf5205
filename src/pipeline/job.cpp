// SPDX-License-Identifier: Apache-2.0
#include "pipeline/job.hpp"

#include <algorithm>
#include <system_error>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>

#include "base/errc.hpp"

namespace submitit::pipeline {

namespace asio = boost::asio;

namespace {

/// An export whose reader may stall holds its source, a directory, a file or two.
constexpr std::uint32_t descriptors_of_small = 4;

}  // namespace

job::job(engine& on, job_options options, output& to, live_progress& progress, asio::any_io_executor where)
    : engine_{&on},
      options_{std::move(options)},
      output_{&to},
      progress_{&progress},
      where_{std::move(where)},
      traits_{options_.format} {}

job::~job() = default;

// ---- stopping

void job::fail(failure_kind kind, error_code error, std::string path, std::string detail) {
    {
        std::lock_guard const lock{stop_mutex_};
        if (failed_) return;  // the first cause is the one to tell
        failed_ = true;
        report_.failure = {kind, error, std::move(path), std::move(detail)};
    }
    stop();
}

void job::cancel() noexcept {
    cancelled_.store(true);
    stop();
}

bool job::cancel_unless_begun() noexcept {
    auto not_yet = begun::not_yet;
    if (!begun_.compare_exchange_strong(not_yet, begun::never) && not_yet != begun::never) return false;
    cancel();
    return true;
}

/// Wakes whatever may wait for others. The flag comes first: who does not see it yet is woken.
void job::stop() noexcept {
    stopped_.store(true);
    bool could_wake = true;
    {
        std::lock_guard const lock{stop_mutex_};
        if (booking_) engine_->memory().withdraw(*booking_);
        if (planning_) could_wake = planning_->wake();
        resumed_.notify();
        output_->abort();
    }
    if (!could_wake) fail(failure_kind::internal, make_error_code(boost::system::errc::not_enough_memory));
}

void job::set_paused(bool is) noexcept {
    std::lock_guard const lock{stop_mutex_};
    metrics_->set_paused(is);
    if (!is) resumed_.notify();
}

// ---- life

void job::start(end_handler on_end) {
    on_end_ = std::move(on_end);
    show_identity();
    if (!engine_->enter(*this)) {
        report_.failure = {failure_kind::internal, make_error_code(errc::engine_closed), {}, {}};
        asio::post(where_, [self = shared_from_this()] { self->on_end_(std::move(self->report_), {}); });
        return;
    }
    try {
        spawn();
    } catch (...) {
        strand_ = {};
        engine_->leave(*this);
        throw;
    }
}

void job::spawn() {
    strand_ = asio::make_strand(where_);
    auto running = run();
    asio::co_spawn(strand_, std::move(running), [self = shared_from_this()](std::exception_ptr const& thrown) {
        auto tell_end = std::move(self->on_end_);
        if (thrown) self->metrics_->ended(status::job_state::failed);
        self->strand_ = {};
        self->engine_->leave(*self);
        tell_end(std::move(self->report_), thrown);
    });
}

asio::awaitable<void> job::run() {
    started_ = std::chrono::steady_clock::now();
    metrics_->began();
    bool const ready = co_await get_ready();
    if (ready) {
        co_await assemble();
        while (!admit_done_) co_await admit_ended_.wait();
        co_await finish();
    }
    end();
}

/// False: it failed or was stopped, and nothing is under way.
asio::awaitable<bool> job::get_ready() {
    try {
        co_await prepare();
        show_identity();
        bool const booked = co_await book();
        if (!booked) co_return false;
        metrics_->set_state(status::job_state::running);
        set_up();
        asio::co_spawn(strand_, admit(), [this](std::exception_ptr const& thrown) {
            if (thrown) std::rethrow_exception(thrown);
            admit_done_ = true;
            admit_ended_.notify();
        });
        planning_->start(weak_from_this());
        co_return true;
    } catch (...) {
        fail_by_exception();
    }
    co_return false;
}

/// In a catch clause. Memory is what runs out; threads may.
void job::fail_by_exception() noexcept {
    auto why = make_error_code(boost::system::errc::not_enough_memory);
    try {
        throw;
    } catch (std::system_error const& refused) {
        why = from_errno(refused.code().value());
    } catch (...) {
    }
    fail(failure_kind::internal, why);
}

asio::awaitable<void> job::prepare() {
    if (!options_.prepare || stopping()) co_return;
    asio::post(engine_->runs_on().walking(), [self = shared_from_this()] {
        try {
            auto refused = self->options_.prepare(self->options_);
            if (refused.kind != failure_kind::none)
                self->fail(refused.kind, refused.error, std::move(refused.path), std::move(refused.detail));
        } catch (...) {
            self->fail_by_exception();
        }
        self->prepared_.notify();
    });
    co_await prepared_.wait();
}

void job::show_identity() {
    job_metrics::identity now;
    now.name = options_.name;
    if (now.name.empty() && !options_.sources.empty()) now.name = options_.sources.front().given;
    now.output = output_->path();
    now.format = archive::to_string(options_.format.kind);
    if (options_.format.kind != format::tar && !options_.format.store) now.level = options_.format.level;
    metrics_->set_identity(now);
}

/// Takes the job's place in the budget. False: it failed or was stopped, and holds nothing.
asio::awaitable<bool> job::book() {
    auto const workers = engine_->runs_on().workers().workers();
    memory_ = plan_job(traits_, workers, options_.watched, walk::footprint_bytes(options_.sources));
    if (options_.sources.size() > 1)
        memory_.booking.head_reserve.slots = std::min(engine_->slots(), plan::batch_roots_max);
    if (options_.format.small_tickets) {
        memory_.booking.head_reserve.slots = std::min(engine_->slots(), descriptors_of_small);
        memory_.booking.pool_floor_bytes = engine_->memory_bytes() / 4;
    }
    report_.memory_limit_bytes = engine_->memory_bytes();
    report_.workers = workers;
    auto const needed = std::to_string(memory_.needed_bytes(workers));
    if (stopping()) co_return false;
    auto queued = engine_->enqueue(traits_, memory_.booking);
    if (!queued) {
        fail(failure_kind::budget, queued.error(), {}, needed);
        co_return false;
    }
    encoders_ = std::move(queued->encoders);
    auto const booking = queued->booking;
    {
        std::lock_guard const lock{stop_mutex_};
        booking_ = booking;
    }
    auto& memory = engine_->memory();
    bool const full = !options_.waits_for_memory && !memory.is_booked(booking);
    if (full) fail(failure_kind::budget, make_error_code(errc::engine_full), {}, needed);
    if (stopping()) memory.withdraw(booking);
    bool const booked = co_await memory.booked(booking);
    if (booked) encoders_ = engine_->share(encoders_);
    co_return booked;
}

void job::set_up() {
    engine_->trim_slabs();
    auto const sizes = job_windows::of(traits_);
    auto shape = traits_.shape();
    shape.large_files_open_max = std::max(engine_->slots() / 2, 1U);
    shape.link_window_bytes = sizes.link_bytes;
    options_.walk.window_bytes = sizes.walk_bytes;
    options_.walk.notices_bytes_max = sizes.notices_bytes;
    options_.walk.stopping = [this] { return stopping(); };
    if (options_.checksums) {
        watch_ = std::make_unique<content_watch>(options_.checksums);
        // In a file the header is written again afterwards, whatever the checksum turned out to be.
        bool const needed_first = options_.measures || options_.expected_digest || !options_.format.seekable;
        if (needed_first)
            shape.known_crc = [known = options_.checksums](file_stat const& of) { return known->find(of); };
    }
    planning::parts made;
    made.where = engine_->runs_on().walking();
    made.walker = std::make_unique<walk::walker>(std::move(options_.sources), options_.walk);
    made.planner = std::make_unique<plan::planner>(*made.walker, std::move(shape));
    made.box_size = sizes.planned_tickets;
    made.link_failures_bytes = sizes.link_failures_bytes;
    made.has_trailer = traits_.is_tar();
    made.metrics = metrics_;
    container_ = traits_.make_container(report_.workers);
    {
        std::lock_guard const lock{stop_mutex_};
        planning_ = std::make_unique<planning>(*this, std::move(made));
    }
}

/// Gives everything back; the figures are complete after it.
void job::end() {
    if (cancelled_.load() && !published_) fail(failure_kind::cancelled, make_error_code(errc::cancelled));
    if (planning_) planning_->release();
    container_.reset();
    std::optional<memory::job_id> booked;
    {
        std::lock_guard const lock{stop_mutex_};
        std::swap(booked, booking_);
    }
    if (booked) engine_->memory().close(*booked);
    encoders_.reset();
    auto& runs_on = engine_->runs_on();
    report_.io = runs_on.backend().counters();
    report_.budget = engine_->memory().stats();
    report_.cached_reads = metrics_->cached_reads.get();
    report_.backend_reads = backend_reads_.load();
    report_.output_bytes = progress_->output_bytes.load();
    report_.output_path = output_->path();
    if (watch_) report_.digest = watch_->digest();
    report_.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
    auto const how = report_.failure.kind;
    metrics_->ended(how == failure_kind::none        ? status::job_state::done
                    : how == failure_kind::cancelled ? status::job_state::cancelled
                                                     : status::job_state::failed);
}

// ---- admission

asio::awaitable<void> job::admit() {
    bool over = false;
    while (!over) {
        try {
            over = co_await admit_next();
        } catch (...) {
            fail_by_exception();  // and goes on, to take what planning still has
        }
    }
    try {
        if (options_.watcher != nullptr && !stopping())
            co_await options_.watcher->analysed(planning_->entries(), planned_bytes_);
    } catch (...) {
        fail_by_exception();
    }
    {
        std::lock_guard const lock{flights_mutex_};
        last_seq_ = launched_;
    }
    sealed_changed_.notify();
}

asio::awaitable<void> job::while_paused() {
    while (metrics_->is_paused() && !stopping()) co_await resumed_.wait();
}

/// What kept the ticket from being granted at once, if anything.
asio::awaitable<arrival> job::granted(plan::ticket const& ticket) {
    memory::request wanted;
    wanted.bytes = traits_.slab_bytes() + ticket_records_bytes(ticket, traits_.limits());
    wanted.slots = std::clamp(ticket.roots, 1U, memory_.booking.head_reserve.slots);
    auto const window = memory_.booking.window_tickets;
    bool const enough = window != 0 && in_flight_ >= window;
    auto const asked_us = status::now_us();
    metrics_->budget_wait.waiting.enter(asked_us);
    if (enough) metrics_->window_wait.enter(asked_us);
    asks_ = true;
    if (in_flight_ == 0) stall_head(asked_us);
    bool const waited = co_await engine_->memory().acquire(*booking_, ticket.seq, wanted);
    auto const now_us = status::now_us();
    asks_ = false;
    if (std::exchange(head_stalls_, false)) metrics_->head_stall.leave(now_us);
    if (enough) metrics_->window_wait.leave(now_us);
    metrics_->budget_wait.waiting.leave(now_us);
    metrics_->budget_wait.left(ticket.bytes);
    ++in_flight_;
    if (!waited) co_return arrival::admitted;
    co_return enough ? arrival::window : arrival::budget;
}

void job::stall_head(std::uint64_t now_us) noexcept {
    head_stalls_ = true;
    metrics_->head_stall.enter(now_us);
}

void job::give_to_workers(flight& at, arrival from, std::uint64_t now_us) {
    at.from = from;
    metrics_->queue.waiting.enter(now_us);
    try {
        engine_->runs_on().workers().push(at);
    } catch (...) {
        metrics_->queue.waiting.leave(now_us);
        throw;
    }
}

/// True: planning has nothing more.
asio::awaitable<bool> job::admit_next() {
    auto next = co_await planning_->receive();
    if (!next) co_return true;
    co_await while_paused();
    if (stopping()) {
        static_cast<void>(planning_->wake());  // a dropped flight never retires
        co_return false;
    }
    auto const& ticket = next->ticket;
    for (auto const& entry : ticket.entries)
        if (entry.kind == walk::entry_kind::file) planned_bytes_ += entry.stat.size;
    if (ticket.first_segment()) planned_bytes_ += ticket.large->declared_bytes;
    next->from = co_await granted(ticket);
    co_await while_paused();
    launch(std::move(next));
    co_return false;
}

void job::launch(std::unique_ptr<flight> granted) {
    auto const seq = granted->ticket.seq;
    try {
        auto& at = *granted;
        at.slab = engine_->take_slab(traits_.slab_bytes());
        at.turn = engine_->next_turn();
        at.owner = shared_from_this();
        {
            std::lock_guard const lock{flights_mutex_};
            flights_.emplace(seq, std::move(granted));
        }
        give_to_workers(at, at.from, status::now_us());
    } catch (...) {
        {
            std::lock_guard const lock{flights_mutex_};
            flights_.erase(seq);
        }
        --in_flight_;
        engine_->memory().retire(*booking_, seq);
        throw;
    }
    launched_ = seq + 1;
}

// ---- assembler

asio::awaitable<flight*> job::next_sealed(std::uint64_t seq) {
    for (;;) {
        {
            std::lock_guard const lock{flights_mutex_};
            if (auto const at = sealed_.find(seq); at != sealed_.end()) {
                auto* const found = at->second;
                sealed_.erase(at);
                metrics_->order_wait.waiting.leave(status::now_us());
                metrics_->order_wait.left(found->done.payload.size());
                co_return found;
            }
            if (last_seq_ && seq == *last_seq_) co_return nullptr;
        }
        co_await sealed_changed_.wait();
    }
}

asio::awaitable<void> job::assemble() {
    try {
        list_.clear();
        container_->begin(list_);
        co_await carry_out();
    } catch (...) {
        fail_by_exception();
    }
    for (std::uint64_t seq = 0;; ++seq) {
        auto* const sealed = co_await next_sealed(seq);
        if (sealed == nullptr) break;
        try {
            if (!stopping()) co_await take(*sealed);
        } catch (...) {
            fail_by_exception();
        }
        retire(*sealed);
    }
}

asio::awaitable<void> job::take(flight& sealed) {
    if (sealed.ticket.kind == plan::ticket_kind::trailer && !may_end()) co_return;
    list_.clear();
    if (auto const placed = container_->append(sealed.ticket, sealed.done, list_); !placed) {
        fail(failure_kind::output, placed.error(), {}, "the archive's directory cannot be kept in a temporary file");
        co_return;
    }
    if (watch_ && !watch_->take(sealed)) {
        fail(failure_kind::source, make_error_code(errc::source_changed), sealed.ticket.large->entry.name);
        co_return;
    }
    if (options_.expected_digest && sealed.ticket.first_segment() && !sealed.ticket.large->known_crc) {
        fail(failure_kind::source, make_error_code(errc::source_changed), sealed.ticket.large->entry.name);
        co_return;
    }
    co_await carry_out();
    metrics_->sink.items.add(1);
    count(sealed);
    if (options_.watcher != nullptr && !stopping()) co_await options_.watcher->assembled(sealed);
}

void job::count(flight const& sealed) {
    auto const& done = sealed.done;
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
        if (auto const kept = planning_->put_aside(orphan); !kept)
            fail(failure_kind::output, kept.error(), {}, "a temporary file in $TMPDIR failed");
    report_.entries = report_.files + report_.directories + report_.links + report_.others;
    progress_->entries.store(report_.entries, std::memory_order_relaxed);
    progress_->content_bytes.store(report_.content_bytes, std::memory_order_relaxed);
    metrics_->entries.set(report_.entries);
    metrics_->files.set(report_.files);
    metrics_->content_bytes.set(report_.content_bytes);
    metrics_->show_lists();
    ++report_.tickets;
}

/// Does what list_ says.
asio::awaitable<void> job::carry_out() {
    auto const check = [this](result<> const& done) {
        if (!done)
            fail(done.error() == errc::cancelled ? failure_kind::cancelled : failure_kind::output, done.error(),
                 output_->path());
        return done.has_value();
    };
    auto not_yet = begun::not_yet;
    if (!list_.pieces.empty() && !begun_.compare_exchange_strong(not_yet, begun::writing) && not_yet == begun::never) {
        cancel();
        co_return;
    }
    blocking_meter::visit const writing{metrics_->sink, output_->blocks()};
    auto written = progress_->output_bytes.load(std::memory_order_relaxed);
    if (list_.cut_back_to && !stopping()) {
        if (!check(output_->cut_back(*list_.cut_back_to))) co_return;
        written = *list_.cut_back_to;
    }
    for (auto const piece : list_.pieces) {
        if (stopping()) co_return;
        auto const done = co_await output_->write(piece);
        if (!check(done)) co_return;
        written += piece.size();
        metrics_->sink.bytes.add(piece.size());
    }
    if (stopping()) co_return;
    if (list_.overwrite && !check(output_->overwrite(list_.overwrite->offset, list_.overwrite->bytes))) co_return;
    progress_->output_bytes.store(written, std::memory_order_relaxed);
    metrics_->output_bytes.set(written);
}

void job::retire(flight& done) {
    auto const seq = done.ticket.seq;
    engine_->give_slab(std::move(done.slab));
    {
        std::lock_guard const lock{flights_mutex_};
        flights_.erase(seq);
    }
    if (--in_flight_ == 0 && asks_) stall_head(status::now_us());
    planning_->retired();
    if (stopping()) static_cast<void>(planning_->wake());
    engine_->memory().retire(*booking_, seq);
}

void job::tell(walk::notice const& notice) {
    ++report_.notices[static_cast<std::size_t>(notice.kind)];
    metrics_->warned(notice);
    if (report_.first_notices.size() < 20) report_.first_notices.push_back(notice);
    if (!walk::is_note(notice.kind)) progress_->warnings.fetch_add(1, std::memory_order_relaxed);
    if (options_.on_notice) options_.on_notice(notice);
}

/// Asked before the first byte of the archive's end: a reader on a pipe takes an archive that has one for whole.
bool job::may_end() {
    if (!stopping() && report_.entries == 0) fail(failure_kind::nothing_to_store, {});
    if (!stopping() && options_.expected_digest && watch_->digest() != *options_.expected_digest)
        fail(failure_kind::source, make_error_code(errc::source_changed), {}, "since it was measured");
    if (!stopping() && options_.strict && report_.warnings() != 0) fail(failure_kind::strict, {});
    return !stopping();
}

/// The container's end, then the name. Nothing of either after a failure.
asio::awaitable<void> job::finish() {
    try {
        co_await write_end();
    } catch (...) {
        fail_by_exception();
    }
}

asio::awaitable<void> job::write_end() {
    if (!may_end()) co_return;
    while (!stopping()) {
        list_.clear();
        auto const more = container_->finish(list_);
        if (!more) fail(failure_kind::output, more.error(), {}, "the archive's directory cannot be read back");
        if (!more || !*more) break;
        co_await carry_out();
    }
    if (stopping()) co_return;
    progress_->publishing.store(true);
    metrics_->set_state(status::job_state::publishing);
    blocking_meter::visit const naming{metrics_->sink, true};
    auto const published = output_->commit();
    if (!published) fail(failure_kind::output, published.error(), output_->path());
    published_ = published.has_value();
}

}  // namespace submitit::pipeline
