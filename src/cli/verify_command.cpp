// SPDX-License-Identifier: Apache-2.0
#include "cli/verify_command.hpp"

#include <pthread.h>
#include <sys/stat.h>

#include <atomic>
#include <cstdio>
#include <optional>
#include <thread>

#include "archive/read/verify.hpp"
#include "base/display_name.hpp"
#include "base/sizes.hpp"
#include "cli/exit_status.hpp"
#include "cli/json_text.hpp"
#include "cli/messages.hpp"
#include "cli/option_values.hpp"
#include "cli/reading_archives.hpp"

namespace submitit::cli {
namespace {

constexpr std::uint64_t smallest_memory_bytes = 16 * MiB;

std::string as_json(archive::verify_report const& report, std::string const& path, int status) {
    boost::json::object all;
    put_name(all, "archive", path);
    all["exit_code"] = status;
    all["format"] = report.format;
    all["proof"] = report.proof;
    put_counts(all, report);
    all["archive_bytes"] = report.archive_bytes;
    all["problem_count"] = report.problem_count;
    all["problems"] = list_by_path(
        report.problems, [](auto& one, archive::verify_problem const& problem) { one["message"] = problem.message; });
    return json_line(all);
}

void print_problems(archive::verify_report const& report, std::string const& archive) {
    for (auto const& problem : report.problems)
        print_line("submitit-io: " + display_name(problem.path.empty() ? archive : problem.path) + ": " +
                   problem.message);
    if (report.problem_count > report.problems.size())
        print_line("submitit-io: and " + format_count(report.problem_count - report.problems.size()) +
                   " more problems");
}

std::string summary(archive::verify_report const& report, std::string const& archive, std::string const& against) {
    auto const head = display_name(archive) + ": " + report.format + ", " + format_count(report.entries) +
                      " entries, " + format_size(report.content_bytes);
    if (report.problem_count != 0)
        return head + ": FAILED, " + format_count(report.problem_count) +
               (report.problem_count == 1 ? " problem\n" : " problems\n");
    return head + ": ok (" + report.proof +
           (against.empty() ? "" : "; names and contents as in " + display_name(against)) + ")\n";
}

}  // namespace

CLI::App* declare_verify(CLI::App& app, verify_arguments& into) {
    auto* const to = app.add_subcommand("verify", "Prove the bytes of an archive, without writing anything");
    to->add_option("ARCHIVE", into.archive, "The archive")->required()->type_name("")->check(not_empty());
    to->add_option("--against", into.against, "Compare names, types and contents with DIR")
        ->type_name("DIR")
        ->check(not_empty());
    to->add_option("-m,--memory", into.memory, "Refuse windows and dictionaries beyond SIZE (default 64MiB)")
        ->type_name("SIZE")
        ->check(not_empty());
    to->add_flag("-q,--quiet", into.quiet, "No summary; problems only");
    to->add_flag("--json", into.json, "Result as one JSON object");
    to->footer(
        "Examples:\n  submitit-io verify project.zip\n  submitit-io verify project.tar.zst --against project\n\n"
        "Exit status: 0 proven, 2 usage or no archive (nor named like one), 3 the archive cannot be opened, 5 "
        "verification\n"
        "failed.\n"
        "Plain tar holds no checksums: only its structure can be proven, unless --against is given.");
    return to;
}

int run_verify(verify_arguments const& arguments, signal_watch& signals) {
    signals.watch();
    std::atomic<bool> stop{false};
    archive::verify_options options;
    options.against = arguments.against;
    options.cancelled = [&stop] { return stop.load(std::memory_order_relaxed); };
    if (auto const refused = parse_memory(arguments.memory, options.memory_bytes))
        return print_refusal(*refused, "verify");
    if (options.memory_bytes < smallest_memory_bytes) {
        print_error("verify needs at least " + format_size(smallest_memory_bytes) + " (-m 16MiB)");
        return budget_too_small;
    }
    struct ::stat st{};
    if (!arguments.against.empty()) {
        bool const there = ::stat(arguments.against.c_str(), &st) == 0;
        if (!there || !S_ISDIR(st.st_mode)) {
            print_error(display_name(arguments.against) +
                        ": cannot compare with it: " + (there ? from_errno(ENOTDIR) : last_errno()).message());
            return source_failure;
        }
    }
    if (auto const refused = refuse_empty(arguments.archive)) return *refused;
    std::optional<result<archive::verify_report>> outcome;
    std::atomic<bool> done{false};
    std::thread verifying{[&] {
        outcome = archive::verify(arguments.archive, options);
        done.store(true);
        signals.interrupt();
    }};
    while (!done.load())
        if (signals.wait(std::chrono::milliseconds{200}) != 0) stop.store(true);
    verifying.join();
    if (signals.received() != 0) return 128 + signals.received();

    if (!*outcome) return refuse_unreadable("verify", arguments.archive, outcome->error());
    auto const& report = **outcome;
    int const status = report.problem_count != 0 ? verification_failed : ok;
    print_problems(report, arguments.archive);
    std::string text;
    if (arguments.json) {
        text = as_json(report, arguments.archive, status);
    } else if (!arguments.quiet) {
        text = summary(report, arguments.archive, arguments.against);
    }
    std::fwrite(text.data(), 1, text.size(), stdout);
    return std::fflush(stdout) == 0 ? status : standard_output_failed();
}

}  // namespace submitit::cli
