// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <memory>
#include <string>
#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/execution_context.hpp>

#include "submitit/checksum_cache.hpp"
#include "submitit/detail/event_target.hpp"
#include "submitit/detail/export_state.hpp"
#include "submitit/detail/stream_export.hpp"
#include "submitit/engine.hpp"

namespace submitit {

/// A file that appears under its name complete or not at all; nothing is visible, and nothing left behind, before.
class file_target {
public:
    /// Its directory must exist; a symbolic link in its place is followed.
    explicit file_target(std::string path) { target_.path = std::move(path); }
    /// False: an existing file fails the export with EEXIST. Default: it is replaced.
    file_target& replace(bool yes) noexcept {
        target_.replace = yes;
        return *this;
    }
    /// Whether the file, and the directory that names it, are on the disk before the export completes. Default: yes.
    file_target& sync(bool yes) noexcept {
        target_.sync = yes;
        return *this;
    }

private:
    friend class export_job;
    detail::export_target target_;
};

/// One export of directories or files into one archive: told what to do, then started once, by the first async_ call.
///
/// Push:     async_run_to() writes a file, or any AsyncWriteStream.
/// Pull:     async_read_some() makes it an AsyncReadStream whose bytes are the archive, which ends with eof; the disk is read as
///           fast as the reader takes them.
/// Threads:  distinct jobs are independent; one job is used by one thread at a time, but for progress() and cancel(), which are
///           safe at any time. Handlers and events run on their associated executor, by default get_executor(), never inside
///           the initiating function.
/// Cancel:   an archive is complete or absent. A handler is called only when no thread, kernel operation or memory of the job
///           is left: cancelling takes as long as the device takes for what it is reading.
/// Lifetime: destroying it cancels it; what is pending completes with operation_aborted. The engine may go first (then it is
///           cancelled), and so may the host's execution context (then handlers are destroyed uncalled).
/// Memory:   the job waits for its share of the engine's budget, first come, first served.
class export_job {
public:
    /// Handlers and events run on it unless they have one of their own.
    using executor_type = boost::asio::any_io_executor;

    /// The engine may go first.
    export_job(executor_type executor, engine& runs_on)
        : executor_{std::move(executor)}, state_{std::make_shared<detail::export_state>(runs_on.core())} {}

    /// The same with an execution context's executor.
    template <class Context>
        requires std::convertible_to<Context&, boost::asio::execution_context&>
    export_job(Context& context, engine& runs_on) : export_job{executor_type{context.get_executor()}, runs_on} {}

    /// What is pending goes on.
    export_job(export_job&&) noexcept = default;
    /// Cancels what it was before.
    export_job& operator=(export_job&& other) noexcept {
        if (state_) state_->cancel();
        executor_ = std::move(other.executor_);
        state_ = std::move(other.state_);
        return *this;
    }
    ~export_job() {
        if (state_) state_->cancel();
    }

    /// The one it was made with.
    [[nodiscard]] executor_type get_executor() const noexcept { return executor_; }

    // ---- what to do; before it is started

    /// Adds a directory or a file. A directory is stored below its own name.
    export_job& source(std::string path) {
        state_->request().sources.push_back(std::move(path));
        return *this;
    }
    /// Takes the place of the name of the only directory ("" stores its contents at the top), and goes before several.
    export_job& prefix(std::string name) {
        state_->request().prefix = std::move(name);
        return *this;
    }
    /// Default: zip.
    export_job& format(submitit::format kind) noexcept {
        state_->request().kind = kind;
        return *this;
    }
    /// 1 to 9 (tar.zst: 19); 0 is the default of the format: 6, tar.zst 3.
    export_job& level(int value) noexcept {
        state_->request().level = value;
        return *this;
    }
    /// Zip: nothing is compressed.
    export_job& store(bool yes = true) noexcept {
        state_->request().store = yes;
        return *this;
    }
    /// Leaves out what matches a pattern of the gitignore kind; of several rules the last that matches decides.
    export_job& exclude(std::string pattern) {
        state_->request().rules.emplace_back(false, std::move(pattern));
        return *this;
    }
    /// Takes back in what an earlier exclude() left out.
    export_job& include(std::string pattern) {
        state_->request().rules.emplace_back(true, std::move(pattern));
        return *this;
    }
    /// Honours .gitignore files.
    export_job& gitignore(bool yes = true) noexcept {
        state_->request().gitignore = yes;
        return *this;
    }
    /// Follows symbolic links that stay inside their source.
    export_job& dereference(bool yes = true) noexcept {
        state_->request().dereference = yes;
        return *this;
    }
    /// Does not enter other file systems.
    export_job& one_file_system(bool yes = true) noexcept {
        state_->request().one_file_system = yes;
        return *this;
    }
    /// Leaves out what differs between machines: owners, names of owners, the processor's own compressor.
    export_job& reproducible(bool yes = true) noexcept {
        state_->request().reproducible = yes;
        return *this;
    }
    /// Any warning fails the export with errc::warnings_refused.
    export_job& strict(bool yes = true) noexcept {
        state_->request().strict = yes;
        return *this;
    }
    /// Works on 128 KiB at a time and holds some 500 KiB of the budget instead of some megabytes, so that hundreds of slow
    /// readers fit; compresses a little less, stores names of up to 4,095 bytes. Other bytes than without.
    export_job& small_tickets(bool yes = true) noexcept {
        state_->request().small_tickets = yes;
        return *this;
    }
    /// False: fails with errc::engine_full, before a byte is read, where it would have to wait for others to end.
    export_job& wait_for_memory(bool yes) noexcept {
        state_->request().waits_for_memory = yes;
        return *this;
    }

    /// Stored zips: remembers the files' checksums, which lets async_measure() and a sending export read less. The cache lives on by
    /// itself. Without store() it has no effect. A streamed zip names a known checksum before the content: should a large file change just
    /// then, the export fails with errc::source_changed.
    export_job& checksums(std::shared_ptr<checksum_cache> const& known) {
        state_->set_checksums(*known);
        return *this;
    }
    /// The archive must be the one that was measured, by another job with the same settings, sources and checksums; else the export
    /// fails with errc::source_changed: at the first file whose checksum is another or not known (so the cache must hold all of
    /// them), else before the archive's end. So a reader has all of those bytes, or too few.
    export_job& expect(archive_measure const& measured) {
        state_->request().expected_digest = measured.digest;
        return *this;
    }
    /// Reading begins so many bytes into the archive: those before are produced, and nobody gets them.
    export_job& skip(std::uint64_t bytes) noexcept {
        state_->request().skipped_bytes = bytes;
        return *this;
    }

    // ---- events, in archive order. The callbacks are copied; while one runs, or waits for its executor, the export does not go on
    // for more than one ticket. They come before the completion handler unless the export is cancelled. An execution context that
    // ends before the export takes its callbacks along.

    /// f(file_processed const&)
    template <std::invocable<file_processed const&> F>
    export_job& on_file_processed(F f) {
        state_->request().on_file_processed = delivery<file_processed>(std::move(f));
        return *this;
    }
    /// f(notice const&), for warnings and notes
    template <std::invocable<notice const&> F>
    export_job& on_notice(F f) {
        state_->request().on_notice = delivery<notice>(std::move(f));
        return *this;
    }
    /// f(analysis_complete const&)
    template <std::invocable<analysis_complete const&> F>
    export_job& on_analysis_complete(F f) {
        state_->request().on_analysis_complete = delivery<analysis_complete>(std::move(f));
        return *this;
    }
    /// f(export_complete const&); also for exports that are read
    template <std::invocable<export_complete const&> F>
    export_job& on_export_complete(F f) {
        state_->request().on_export_complete = delivery<export_complete>(std::move(f));
        return *this;
    }

    // ---- running

    /// Writes a file. Completion signature: void(boost::system::error_code, export_report).
    ///
    /// Fails:  errc::engine_full, errc::budget_too_small (the detail names the bytes), errc::engine_closed, errc::nothing_to_store,
    ///         errc::warnings_refused, errc::duplicate_source; the system's errors of a source or the output unchanged (the report
    ///         names the path); already_started; operation_aborted. errc::name_not_synced: the file is there, complete.
    ///         Warnings are no failure.
    /// Cancel: terminal at any time; partial and total as long as no byte was written, and without effect after that.
    template <boost::asio::completion_token_for<void(boost::system::error_code, export_report)> Token>
    auto async_run_to(file_target target, Token&& token) {
        return boost::asio::async_initiate<Token, void(boost::system::error_code, export_report)>(
            file_run{this}, token, std::move(target.target_));
    }

    /// Writes to an AsyncWriteStream, which stays open and is the caller's; backpressure reaches the disk. Needs no seeking.
    /// `stream` lives until it completes. A failure leaves an incomplete archive in the stream, which no reader takes for whole.
    ///
    /// Completion, failures and cancellation as above; besides the stream's own errors.
    template <class AsyncWriteStream,
              boost::asio::completion_token_for<void(boost::system::error_code, export_report)> Token>
        requires requires(AsyncWriteStream& s) { s.get_executor(); }
    auto async_run_to(AsyncWriteStream& stream, Token&& token) {
        return detail::async_stream_export(state_, stream, std::forward<Token>(token));
    }

    /// What a stored zip of the sources will be, to the byte. Reads files whose checksum is not known; see checksums(). Completion
    /// signature: void(boost::system::error_code, archive_measure). Failures and cancellation as above.
    template <boost::asio::completion_token_for<void(boost::system::error_code, archive_measure)> Token>
    auto async_measure(Token&& token) {
        return boost::asio::async_initiate<Token, void(boost::system::error_code, archive_measure)>(measuring{this},
                                                                                                    token);
    }

    /// The next bytes of the archive: at least one, or an error. Completion signature: void(boost::system::error_code, std::size_t).
    ///
    /// Bytes:  into the first buffer of the sequence that is not empty; without one it completes with 0.
    /// Fails:  boost::asio::error::eof behind the last byte; else as async_run_to does. Bytes that came before an error are no
    ///         archive. already_started: another read waits, or the export was started otherwise.
    /// Cancel: terminal ends the export; partial and total end this read alone, and no byte is lost.
    template <class MutableBufferSequence,
              boost::asio::completion_token_for<void(boost::system::error_code, std::size_t)> Token>
    auto async_read_some(MutableBufferSequence const& buffers, Token&& token) {
        boost::asio::mutable_buffer into;
        for (auto at = boost::asio::buffer_sequence_begin(buffers); at != boost::asio::buffer_sequence_end(buffers);
             ++at) {
            into = *at;
            if (into.size() != 0) break;
        }
        return boost::asio::async_initiate<Token, void(boost::system::error_code, std::size_t)>(reading{this}, token,
                                                                                                into);
    }

    /// Waits for the end of an export that is read, for its report. Completion signature: void(boost::system::error_code, export_report).
    /// already_started when another wait is pending. Cancelling has no effect on it.
    template <boost::asio::completion_token_for<void(boost::system::error_code, export_report)> Token>
    auto async_wait(Token&& token) {
        return boost::asio::async_initiate<Token, void(boost::system::error_code, export_report)>(waiting{this}, token);
    }

    /// Ends the export: what is pending completes with operation_aborted, unless it was complete already. From any thread.
    void cancel() noexcept { state_->cancel(); }

    /// Wait-free. From any thread.
    [[nodiscard]] export_progress progress() const noexcept { return state_->progress(); }

private:
    using cancellation_type = boost::asio::cancellation_type;

    template <class Event, class F>
    auto delivery(F f) {
        auto executor = boost::asio::get_associated_executor(f, executor_);
        using target_type = detail::event_target<F, decltype(executor)>;
        auto const target = std::make_shared<target_type>(std::move(f), std::move(executor));
        return [target](std::vector<Event> events, detail::export_request::token delivered) {
            target->deliver(std::move(events), std::move(delivered));
        };
    }

    struct file_run {
        using executor_type = export_job::executor_type;
        [[nodiscard]] executor_type get_executor() const noexcept { return job->get_executor(); }
        template <class Handler>
        void operator()(Handler&& handler, detail::export_target target) const {
            auto slot = boost::asio::get_associated_cancellation_slot(handler);
            if (slot.is_connected()) {
                slot.assign([state = std::weak_ptr{job->state_}](cancellation_type type) {
                    auto const alive = state.lock();
                    if (!alive || type == cancellation_type::none) return;
                    if ((type & cancellation_type::terminal) != cancellation_type::none) alive->cancel();
                    else alive->cancel_unless_begun();
                });
            }
            job->state_->run_to_file(std::move(target),
                                     detail::export_state::run_handler{std::forward<Handler>(handler), job->executor_});
        }
        export_job* job;
    };

    struct reading {
        using executor_type = export_job::executor_type;
        [[nodiscard]] executor_type get_executor() const noexcept { return job->get_executor(); }
        template <class Handler>
        void operator()(Handler&& handler, boost::asio::mutable_buffer into) const {
            auto slot = boost::asio::get_associated_cancellation_slot(handler);
            if (slot.is_connected()) {
                auto const number = job->state_->next_read();
                slot.assign([state = std::weak_ptr{job->state_}, number](cancellation_type type) {
                    auto const alive = state.lock();
                    if (!alive || type == cancellation_type::none) return;
                    if ((type & cancellation_type::terminal) != cancellation_type::none) alive->cancel_by_read(number);
                    else alive->cancel_read(number);
                });
            }
            job->state_->read_some(into.data(), into.size(), boost::asio::error::eof,
                                   detail::export_state::read_handler{std::forward<Handler>(handler), job->executor_});
        }
        export_job* job;
    };

    /// Takes what is of interest out of a report, and is the handler otherwise.
    template <class Handler>
    struct measure_handler {
        using executor_type = boost::asio::associated_executor_t<Handler, export_job::executor_type>;
        using allocator_type = boost::asio::associated_allocator_t<Handler>;
        [[nodiscard]] executor_type get_executor() const noexcept {
            return boost::asio::get_associated_executor(handler, fallback);
        }
        [[nodiscard]] allocator_type get_allocator() const noexcept {
            return boost::asio::get_associated_allocator(handler);
        }
        void operator()(boost::system::error_code error, export_report report) {
            std::move(handler)(error, archive_measure{report.output_bytes, std::move(report.digest)});
        }
        Handler handler;
        export_job::executor_type fallback;
    };

    struct measuring {
        using executor_type = export_job::executor_type;
        [[nodiscard]] executor_type get_executor() const noexcept { return job->get_executor(); }
        template <class Handler>
        void operator()(Handler&& handler) const {
            auto slot = boost::asio::get_associated_cancellation_slot(handler);
            if (slot.is_connected()) {
                slot.assign([state = std::weak_ptr{job->state_}](cancellation_type type) {
                    auto const alive = state.lock();
                    if (alive && type != cancellation_type::none) alive->cancel();
                });
            }
            measure_handler<std::decay_t<Handler>> wrapped{std::forward<Handler>(handler), job->executor_};
            job->state_->measure(detail::export_state::run_handler{std::move(wrapped), job->executor_});
        }
        export_job* job;
    };

    struct waiting {
        using executor_type = export_job::executor_type;
        [[nodiscard]] executor_type get_executor() const noexcept { return job->get_executor(); }
        template <class Handler>
        void operator()(Handler&& handler) const {
            auto slot = boost::asio::get_associated_cancellation_slot(handler);
            if (slot.is_connected()) slot.clear();
            job->state_->wait(detail::export_state::run_handler{std::forward<Handler>(handler), job->executor_});
        }
        export_job* job;
    };

    executor_type executor_;
    std::shared_ptr<detail::export_state> state_;
};

}  // namespace submitit
