// SPDX-License-Identifier: Apache-2.0
#include "submitit/detail/export_state.hpp"

#include <atomic>
#include <mutex>
#include <new>
#include <set>
#include <system_error>
#include <utility>

#include <boost/asio/error.hpp>

#include "base/errc.hpp"
#include "library/checksum_cache.hpp"
#include "library/engine_core.hpp"
#include "library/handover.hpp"
#include "library/job_events.hpp"
#include "library/outputs.hpp"
#include "pipeline/job.hpp"

namespace submitit::detail {

namespace asio = boost::asio;

namespace {

using pipeline::failure_cause;
using pipeline::failure_kind;

/// Asio's programs know asio's word for it.
error_code public_error(failure_cause const& why) {
    switch (why.kind) {
        case failure_kind::none: return {};
        case failure_kind::cancelled: return asio::error::operation_aborted;
        case failure_kind::nothing_to_store: return make_error_code(errc::nothing_to_store);
        case failure_kind::strict: return make_error_code(errc::warnings_refused);
        default: return why.error ? why.error : make_error_code(errc::internal);
    }
}

export_report public_report(pipeline::export_report&& from) {
    export_report made;
    made.entries = from.entries;
    made.files = from.files;
    made.directories = from.directories;
    made.links = from.links;
    made.others = from.others;
    made.content_bytes = from.content_bytes;
    made.output_bytes = from.output_bytes;
    made.notices = from.notices;
    made.first_notices = std::move(from.first_notices);
    made.seconds = from.seconds;
    made.path = std::move(from.output_path);
    made.digest = std::move(from.digest);
    made.failed_path = std::move(from.failure.path);
    made.failure_detail = std::move(from.failure.detail);
    if (from.failure.error == errc::budget_too_small) made.failure_detail += " bytes are needed";
    return made;
}

}  // namespace

struct export_state::impl : std::enable_shared_from_this<export_state::impl> {
    explicit impl(std::shared_ptr<engine_core> from) : engine{std::move(from)} {}

    enum class way : std::uint8_t { pulled, to_file, measured };
    [[nodiscard]] bool start(way how, export_target target = {});
    [[nodiscard]] bool run_on_engine(pipeline::job_options wanted, pipeline::output& to, bool cancel);
    [[nodiscard]] pipeline::job_options options(way how, export_target target);
    [[nodiscard]] pipeline::output& open(way how);
    [[nodiscard]] failure_cause prepare(pipeline::job_options& into, export_target const& target);
    void ended(pipeline::export_report report, std::exception_ptr const& thrown);
    void finish(error_code error, export_report report);

    std::shared_ptr<engine_core> engine;
    export_request request;
    pipeline::live_progress live;
    std::atomic<std::uint64_t> reads{0};  // started
    std::optional<library::job_events> events;
    std::optional<library::handover> pull;
    std::optional<library::file_output> file;
    std::optional<library::measuring_output> measuring;

    std::mutex mutex;  // guards what follows
    std::shared_ptr<pipeline::job> job;
    bool started = false;
    bool cancelled = false;  // before it was started
    bool over = false;
    error_code error;
    std::optional<export_report> report;  // once it is over, until it was told
    run_handler on_end;
};

// ---- starting

namespace {

std::optional<failure_cause> resolve(export_request const& request, std::vector<walk::source>& into) {
    std::set<std::string_view> names;
    walk::source_request one;
    one.prefix = request.prefix ? &*request.prefix : nullptr;
    one.only_source = request.sources.size() == 1;
    into.reserve(request.sources.size());
    for (auto const& given : request.sources) {
        one.given = given;
        auto found = walk::resolve_source(one);
        if (!found) return failure_cause{failure_kind::source, found.error(), given, {}};
        into.push_back(std::move(*found));
    }
    for (auto const& source : into)
        if (!names.insert(source.name).second)
            return failure_cause{failure_kind::source, make_error_code(errc::duplicate_source), source.given,
                                 "both would be stored as '" + source.name + "'"};
    if (into.empty()) return failure_cause{failure_kind::nothing_to_store, {}, {}, {}};
    return std::nullopt;
}

}  // namespace

pipeline::job_options export_state::impl::options(way how, export_target target) {
    pipeline::job_options made;
    auto const& wanted = request;
    bool const zip = wanted.kind == format::zip;
    made.format.kind = wanted.kind;
    made.format.level = wanted.level != 0 ? wanted.level : wanted.kind == format::tar_zst ? 3 : 6;
    made.format.level = std::clamp(made.format.level, 1, wanted.kind == format::tar_zst ? 19 : 9);
    made.format.store = wanted.store && zip;
    made.format.reproducible = made.format.attributes.reproducible = wanted.reproducible;
    made.format.small_tickets = wanted.small_tickets;
    made.format.seekable = how != way::pulled;
    if (made.format.store && wanted.checksums) made.checksums = wanted.checksums;
    made.measures = how == way::measured;
    if (made.checksums) made.expected_digest = wanted.expected_digest;
    made.walk.names = !zip && !wanted.reproducible;
    made.walk.dereference = wanted.dereference;
    made.walk.one_file_system = wanted.one_file_system;
    made.walk.selection.gitignore = wanted.gitignore;
    for (auto const& [include, pattern] : wanted.rules) made.walk.selection.rules.push_back({include, pattern});
    made.strict = wanted.strict;
    made.waits_for_memory = wanted.waits_for_memory;
    if (wanted.on_notice) made.on_notice = [this](notice const& told) { events->note(told); };
    if (events->wanted()) made.watcher = &*events;
    made.prepare = [this, to = std::move(target)](pipeline::job_options& into) { return prepare(into, to); };
    return made;
}

failure_cause export_state::impl::prepare(pipeline::job_options& into, export_target const& target) {
    if (request.expected_digest && !into.checksums)
        return {failure_kind::source,
                make_error_code(errc::source_changed),
                {},
                "only a stored zip with checksums was measured"};
    if (auto refused = resolve(request, into.sources)) return std::move(*refused);
    if (!file) return {};
    publish::file_options wanted;
    wanted.path = target.path;
    wanted.replace = target.replace;
    wanted.sync = target.sync;
    if (auto const opened = file->open(std::move(wanted)); !opened)
        return {failure_kind::output, opened.error(), target.path, {}};
    into.walk.own_outputs = file->sink().identities();
    return {};
}

/// False: it was started before.
pipeline::output& export_state::impl::open(way how) {
    auto const unblock = [this] { events->abort(); };
    switch (how) {
        case way::to_file: return file.emplace(unblock);
        case way::measured: return measuring.emplace(unblock);
        case way::pulled: break;
    }
    return pull.emplace(unblock, request.skipped_bytes);
}

bool export_state::impl::start(way how, export_target target) {
    bool cancel = false;
    pipeline::output* to = nullptr;
    {
        std::lock_guard const lock{mutex};
        if (started) return false;
        started = true;
        cancel = cancelled;
        events.emplace(request, weak_from_this());
        to = &open(how);
    }
    try {
        if (!run_on_engine(options(how, std::move(target)), *to, cancel))
            finish(make_error_code(errc::engine_closed), {});
    } catch (std::system_error const& refused) {  // no more threads
        finish(error_code{refused.code().value(), boost::system::system_category()}, {});
    } catch (boost::system::system_error const& refused) {
        finish(refused.code(), {});
    } catch (std::bad_alloc const&) {
        finish(make_error_code(boost::system::errc::not_enough_memory), {});
    }
    return true;
}

/// False: the engine has gone.
bool export_state::impl::run_on_engine(pipeline::job_options wanted, pipeline::output& to, bool cancel) {
    return engine->with_engine([&](pipeline::engine& on) {
        auto& runs_on = on.runs_on();
        auto where = file ? runs_on.writing() : runs_on.steering();
        auto const made = std::make_shared<pipeline::job>(on, std::move(wanted), to, live, std::move(where));
        {
            std::lock_guard const lock{mutex};
            job = made;
            cancel = cancel || cancelled;
        }
        if (cancel) made->cancel();
        made->start([self = shared_from_this()](pipeline::export_report told, std::exception_ptr const& thrown) {
            self->ended(std::move(told), thrown);
        });
    });
}

// ---- ending

void export_state::impl::ended(pipeline::export_report report_now, std::exception_ptr const& thrown) {
    auto why = thrown ? make_error_code(boost::system::errc::not_enough_memory) : public_error(report_now.failure);
    if (file) file->close();
    finish(why, public_report(std::move(report_now)));
}

void export_state::impl::finish(error_code why, export_report told) {
    if (request.on_export_complete) request.on_export_complete({{why, told}}, nullptr);
    run_handler waiting;
    live.ended.store(true);
    {
        std::lock_guard const lock{mutex};
        over = true;
        error = why;
        job.reset();
        waiting = std::move(on_end);
        if (!waiting) report = told;
    }
    if (pull) pull->end(why);
    if (waiting) std::move(waiting)(why, std::move(told));
}

// ---- the face

export_state::export_state(std::shared_ptr<engine_core> engine) : impl_{std::make_shared<impl>(std::move(engine))} {}

export_state::~export_state() { cancel(); }

export_request& export_state::request() noexcept { return impl_->request; }

void export_state::run_to_file(export_target target, run_handler on_end) {
    run_handler refused;
    {
        std::lock_guard const lock{impl_->mutex};
        (impl_->started ? refused : impl_->on_end) = std::move(on_end);
    }
    if (refused) return std::move(refused)(asio::error::already_started, {});
    static_cast<void>(impl_->start(impl::way::to_file, std::move(target)));
}

void export_state::measure(run_handler on_end) {
    auto& wanted = impl_->request;
    run_handler refused;
    {
        std::lock_guard const lock{impl_->mutex};
        (impl_->started ? refused : impl_->on_end) = std::move(on_end);
    }
    if (refused) return std::move(refused)(asio::error::already_started, {});
    wanted.kind = format::zip;
    wanted.store = true;
    wanted.expected_digest.reset();
    if (!wanted.checksums) wanted.checksums = std::make_shared<plan::checksums>(0);
    static_cast<void>(impl_->start(impl::way::measured));
}

void export_state::set_checksums(checksum_cache const& known) { impl_->request.checksums = known.state_; }

void export_state::read_some(void* into, std::size_t bytes, error_code eof, read_handler on_read) {
    impl_->reads.fetch_add(1);
    static_cast<void>(impl_->start(impl::way::pulled));
    if (!impl_->pull) return std::move(on_read)(asio::error::already_started, 0);
    impl_->pull->read({static_cast<std::byte*>(into), bytes}, eof, std::move(on_read));
}

std::uint64_t export_state::next_read() noexcept { return impl_->reads.load() + 1; }

void export_state::cancel_read(std::uint64_t number) {
    if (impl_->pull && impl_->reads.load() == number) impl_->pull->cancel_read();
}

void export_state::cancel_by_read(std::uint64_t number) {
    if (impl_->reads.load() == number && (!impl_->pull || impl_->pull->waits())) cancel();
}

void export_state::wait(run_handler on_end) {
    error_code why = asio::error::already_started;
    export_report told;
    run_handler answered;
    {
        std::lock_guard const lock{impl_->mutex};
        bool const waits = impl_->started && !impl_->over && !impl_->on_end;
        if (impl_->over) {
            why = impl_->error;
            if (impl_->report) told = std::move(*impl_->report);
            impl_->report.reset();
        }
        (waits ? impl_->on_end : answered) = std::move(on_end);
    }
    if (answered) std::move(answered)(why, std::move(told));
}

void export_state::cancel() noexcept {
    std::shared_ptr<pipeline::job> running;
    {
        std::lock_guard const lock{impl_->mutex};
        impl_->cancelled = true;
        running = impl_->job;
    }
    if (running) running->cancel();
}

bool export_state::cancel_unless_begun() noexcept {
    std::shared_ptr<pipeline::job> running;
    {
        std::lock_guard const lock{impl_->mutex};
        if (impl_->over) return false;
        running = impl_->job;
        if (!running) impl_->cancelled = true;
    }
    return !running || running->cancel_unless_begun();
}

export_progress export_state::progress() const noexcept {
    auto const& live = impl_->live;
    export_progress now;
    now.entries = live.entries.load(std::memory_order_relaxed);
    now.content_bytes = live.content_bytes.load(std::memory_order_relaxed);
    now.output_bytes = live.output_bytes.load(std::memory_order_relaxed);
    now.warnings = live.warnings.load(std::memory_order_relaxed);
    now.publishing = live.publishing.load(std::memory_order_relaxed);
    now.ended = live.ended.load(std::memory_order_relaxed);
    return now;
}

}  // namespace submitit::detail
