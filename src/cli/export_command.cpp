// SPDX-License-Identifier: Apache-2.0
#include "cli/export_command.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/display_name.hpp"
#include "cli/exit_status.hpp"
#include "cli/export_request.hpp"
#include "cli/live_figures.hpp"
#include "cli/messages.hpp"
#include "cli/output_choice.hpp"
#include "cli/progress_view.hpp"
#include "cli/status_service.hpp"
#include "cli/summary.hpp"
#include "pipeline/export.hpp"

namespace submitit::cli {
namespace {

constexpr std::chrono::milliseconds tick{100};

/// More descriptors mean more files read at once; the hard limit is what the administrator allows.
void raise_descriptor_limit() noexcept {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= limit.rlim_max) return;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

int refuse(refusal const& refused) { return print_refusal(refused, "export"); }

/// --dry-run: the names that would go in, one a line, as they would be stored.
int list_names(pipeline::export_options& request) {
    walk::walker walk{std::move(request.sources), request.walk};
    walk::entry entry;
    std::uint64_t warned = 0;
    std::uint64_t listed = 0;
    for (;;) {
        auto const got = walk.next(entry);
        for (auto const& notice : walk.take_notices()) {
            if (!walk::is_note(notice.kind)) ++warned;
            print_line(describe(notice));
        }
        if (!got) {
            auto const& source = walk.failed_source();
            if (source.empty())
                return refuse({output_failure, "a temporary file in $TMPDIR failed: " + got.error().message()});
            return refuse(
                {source_failure, display_name(source) + ": the source cannot be read: " + got.error().message()});
        }
        if (*got == walk::walker::found::end) break;
        if (*got == walk::walker::found::notices) continue;
        ++listed;
        auto const line = display_name(entry.name) + '\n';
        if (std::fwrite(line.data(), 1, line.size(), stdout) != line.size()) return standard_output_failed();
    }
    if (std::fflush(stdout) != 0) return standard_output_failed();
    if (listed == 0) return refuse({source_failure, "nothing to store: every name was left out"});
    return warned != 0 ? warnings : ok;
}

bool write_report(std::string const& path, std::string const& json) {
    std::ofstream file{path, std::ios::binary | std::ios::trunc};
    file << json;
    file.close();
    if (file) return true;
    print_error(display_name(path) + ": the report cannot be written");
    return false;
}

/// Also when one of them does not exist yet.
bool same_file(std::string const& left, std::string const& right) {
    std::error_code unknown;
    if (left.empty() || right.empty()) return false;
    return std::filesystem::weakly_canonical(left, unknown) == std::filesystem::weakly_canonical(right, unknown);
}

/// Runs beside the export when someone watches; its end makes a percentage possible.
class counting_walk {
public:
    counting_walk(bool wanted, pipeline::export_options const& request, pipeline::live_progress& live) {
        if (!wanted) return;
        thread_ = std::thread{[this, sources = request.sources, options = request.walk, &live]() mutable {
            pipeline::count_sources(std::move(sources), std::move(options), live, ended_);
        }};
    }
    ~counting_walk() {
        ended_.store(true);
        if (thread_.joinable()) thread_.join();
    }
    counting_walk(counting_walk const&) = delete;
    counting_walk& operator=(counting_walk const&) = delete;

private:
    std::atomic<bool> ended_{false};
    std::thread thread_;
};

/// What the export, which has ended, was bound by.
status::verdict whole_run(status::snapshot const& last) {
    return last.jobs.empty() ? status::verdict{} : last.jobs.back().bound_by;
}

int tell(pipeline::export_report const& report, status::verdict const& limit, archive::format_options const& format,
         export_arguments const& arguments, int signal_number) {
    int status = exit_status_of(report, signal_number);
    if (report.failure.kind != pipeline::failure_kind::none) print_error(describe(report.failure, report));
    auto const json = summary_json(report, limit, format, status);
    if (!arguments.report.empty() && !write_report(arguments.report, json) && (status == ok || status == warnings))
        status = output_failure;
    std::string text;
    if (arguments.json) {
        text = json;
    } else if (!arguments.quiet && report.failure.kind == pipeline::failure_kind::none) {
        text = summary_text(report, limit, format, arguments.verbose);
    }
    auto* const to = arguments.output == "-" ? stderr : stdout;
    bool const told = std::fwrite(text.data(), 1, text.size(), to) == text.size() && std::fflush(to) == 0;
    if (told || (status != ok && status != warnings)) return status;
    print_error("the archive is published, but its summary cannot be written");
    return output_failure;
}

}  // namespace

int run_export(export_arguments const& arguments, signal_watch& signals) {
    raise_descriptor_limit();
    pipeline::export_options request;
    if (auto const refused = check_status(arguments)) return refuse(*refused);
    if (auto const refused = make_request(arguments, request)) return refuse(*refused);
    if (arguments.dry_run) {
        request.walk.own_outputs = own_outputs(arguments);
        return list_names(request);
    }

    signals.watch();
    std::atomic<bool> stop{false};
    opened_output output;
    if (auto const refused = open_output(arguments, request.format.kind, request.sources, stop, output))
        return refuse(*refused);
    if (same_file(arguments.report, output.sink->path()))
        return refuse(
            {usage, "--report and -o name the same file, " + display_name(arguments.report) + ": give another one"});
    request.format.seekable = output.sink->seekable();
    request.walk.own_outputs = output.own;

    pipeline::live_progress live;
    progress_view view{choose_progress(arguments.progress, arguments.quiet), live};
    request.watched = view.wants_totals() || !arguments.status.empty();
    request.on_notice = [&view, quiet = arguments.quiet](walk::notice const& notice) {
        if (!quiet || !walk::is_note(notice.kind)) view.print(describe(notice));
    };
    auto const format = request.format;
    live_figures figures;
    std::atomic<bool> asked_to_cancel{false};
    http::controls controls;
    controls.cancel = [&asked_to_cancel, &signals] {
        asked_to_cancel.store(true);
        signals.interrupt();
    };
    controls.pause = [&figures] { figures.set_paused(true); };
    controls.resume = [&figures] { figures.set_paused(false); };
    std::unique_ptr<http::own_thread> endpoint;
    if (auto const refused =
            open_status(arguments, std::move(controls), [&figures] { return figures.sample(); }, endpoint))
        return refuse(*refused);
    pipeline::export_report report;
    status::verdict limit;
    {
        counting_walk const counting{request.watched, request, live};
        pipeline::running_export running{std::move(request), *output.sink, live, [&signals] { signals.interrupt(); }};
        live_figures::attached const watched{figures, running};
        while (!running.done()) {
            if (signals.wait(tick) != 0 || asked_to_cancel.load()) {
                stop.store(true);
                running.cancel();
            }
            view.tick(figures);
        }
        report = running.wait();
        limit = whole_run(figures.sample());
    }
    endpoint.reset();
    output.sink.reset();
    signals_let_through const ending;  // nothing is left to be undone, and writing what follows may wait for ever
    if (report.failure.kind == pipeline::failure_kind::none) view.finish(report);
    view.clear();
    // Whoever cancels it by POST ends it as a signal would.
    int const ended_by = signals.received() == 0 && asked_to_cancel.load() ? SIGTERM : signals.received();
    return tell(report, limit, format, arguments, ended_by);
}

}  // namespace submitit::cli
