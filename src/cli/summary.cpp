// SPDX-License-Identifier: Apache-2.0
#include "cli/summary.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include <boost/json/object.hpp>

#include "base/display_name.hpp"
#include "base/errc.hpp"
#include "base/sizes.hpp"
#include "base/unique_fd.hpp"
#include "cli/json_text.hpp"
#include "cli/messages.hpp"
#include "status/verdict.hpp"

namespace submitit::cli {
namespace {

namespace json = boost::json;

std::string number(double value, int digits) {
    std::array<char, 48> text{};
    std::snprintf(text.data(), text.size(), "%.*f", digits, value);
    return text.data();
}

std::string warnings_text(pipeline::export_report const& report) {
    std::string parts;
    for (std::size_t i = 0; i < report.notices.size(); ++i) {
        auto const kind = static_cast<walk::notice_kind>(i);
        if (walk::is_note(kind) || report.notices[i] == 0) continue;
        if (!parts.empty()) parts += ", ";
        parts += format_count(report.notices[i]) + ' ' + walk::to_string(kind);
    }
    return parts;
}

double rate(pipeline::export_report const& report) noexcept {
    return report.seconds > 0 ? static_cast<double>(report.content_bytes) / report.seconds : 0;
}

json::object notice_counts(pipeline::export_report const& report) {
    json::object counts;
    for (std::size_t i = 0; i < report.notices.size(); ++i)
        counts[walk::to_string(static_cast<walk::notice_kind>(i))] = report.notices[i];
    return counts;
}

json::array first_notices(pipeline::export_report const& report) {
    return list_by_path(report.first_notices, [](json::object& one, walk::notice const& notice) {
        one["kind"] = walk::to_string(notice.kind);
        if (notice.error) one["error"] = notice.error.message();
        if (!notice.detail.empty()) one["detail"] = notice.detail;
    });
}

json::object memory_object(pipeline::export_report const& report) {
    json::object memory;
    memory["limit_bytes"] = report.memory_limit_bytes;
    memory["high_water_bytes"] = report.budget.high_water_bytes;
    memory["peak_rss_bytes"] = peak_memory_bytes();
    memory["grants_from_reserve"] = report.budget.grants_from_reserve;
    memory["grants_from_pool"] = report.budget.grants_from_pool;
    return memory;
}

json::object io_object(pipeline::export_report const& report) {
    json::object io;
    io["backend"] = io::to_string(report.backend.chosen);
    io["reason"] = report.backend.reason;
    io["uring_errno"] = report.backend.uring_errno;
    io["cached_reads"] = report.cached_reads;
    io["backend_reads"] = report.backend_reads;
    io["backend_bytes"] = report.io.bytes;
    io["short_reads"] = report.io.short_reads;
    io["retries"] = report.io.retries;
    io["descriptor_waits"] = report.io.descriptor_waits;
    return io;
}

json::object verdict_object(status::verdict const& limit) {
    json::object verdict;
    verdict["by"] = status::to_string(limit.by);
    verdict["sentence"] = limit.sentence;
    verdict["flag"] = limit.flag;
    return verdict;
}

}  // namespace

/// VmHWM of proc(5). getrusage(2) would count the pages of the process that started this one: ru_maxrss survives execve.
std::uint64_t peak_memory_bytes() noexcept {
    unique_fd const status{::open("/proc/self/status", O_RDONLY | O_CLOEXEC)};
    std::array<char, 4096> text{};
    auto const n = status ? ::read(status.get(), text.data(), text.size() - 1) : 0;
    std::string_view const lines{text.data(), static_cast<std::size_t>(std::max<ssize_t>(n, 0))};
    if (auto const at = lines.find("VmHWM:"); at != std::string_view::npos)
        return std::strtoull(lines.data() + at + 6, nullptr, 10) * KiB;
    rusage usage{};
    return ::getrusage(RUSAGE_SELF, &usage) == 0 ? static_cast<std::uint64_t>(usage.ru_maxrss) * KiB : 0;
}

std::string summary_text(pipeline::export_report const& report, status::verdict const& limit,
                         archive::format_options const& format, bool verbose) {
    auto const output = report.output_path == "-" ? std::string{"standard output"} : display_name(report.output_path);
    auto const ratio = report.content_bytes != 0 ? 100.0 * static_cast<double>(report.output_bytes) /
                                                       static_cast<double>(report.content_bytes)
                                                 : 100.0;
    std::string text = output + ": " + format_count(report.files) + (report.files == 1 ? " file, " : " files, ") +
                       format_size(report.content_bytes) + " -> " + format_size(report.output_bytes) + " (" +
                       number(ratio, 1) + " %), " + number(report.seconds, 2) + " s, " +
                       format_size(static_cast<std::uint64_t>(rate(report))) + "/s, peak memory " +
                       format_size(peak_memory_bytes()) + ", " + io::to_string(report.backend.chosen);
    if (auto const warned = warnings_text(report); !warned.empty()) text += "; warnings: " + warned;
    text += '\n';
    if (!verbose) return text;
    text += "  entries: " + format_count(report.directories) + " directories, " + format_count(report.links) +
            " links, " + format_count(report.others) + " others\n";
    text += "  format: " + std::string{archive::to_string(format.kind)} +
            (format.store                 ? ", stored"
             : format.kind == format::tar ? ""
                                          : ", level " + std::to_string(format.level)) +
            ", " + std::to_string(report.workers) + (report.workers == 1 ? " worker, " : " workers, ") +
            format_count(report.tickets) + " tickets\n";
    text += "  memory: budget " + format_size(report.memory_limit_bytes) + ", used at most " +
            format_size(report.budget.high_water_bytes) + ", grants " + format_count(report.budget.grants_from_pool) +
            " from the pool, " + format_count(report.budget.grants_from_reserve) + " from the reserve\n";
    text += "  reading: " + format_count(report.cached_reads) + " from the page cache, " +
            format_count(report.backend_reads) + " by " + io::to_string(report.backend.chosen) + " (" +
            report.backend.reason + ")\n";
    if (report.io.descriptor_waits != 0)
        text += "  descriptors: waited " + format_count(report.io.descriptor_waits) + " times (ulimit -n)\n";
    if (!limit.sentence.empty()) text += "  " + limit.sentence + '\n';
    return text;
}

std::string summary_json(pipeline::export_report const& report, status::verdict const& limit,
                         archive::format_options const& format, int exit_status) {
    json::object all;
    all["version"] = SUBMITIT_VERSION;
    put_name(all, "output", report.output_path);
    all["format"] = archive::to_string(format.kind);
    if (format.store) {
        all["level"] = "store";
    } else if (format.kind != format::tar) {
        all["level"] = format.level;
    }
    all["exit_code"] = exit_status;
    all["published"] =
        report.failure.kind == pipeline::failure_kind::none || report.failure.error == errc::name_not_synced;
    if (report.failure.kind != pipeline::failure_kind::none) all["error"] = describe(report.failure, report);
    put_counts(all, report);
    all["directories"] = report.directories;
    all["links"] = report.links;
    all["others"] = report.others;
    all["output_bytes"] = report.output_bytes;
    all["seconds"] = report.seconds;
    all["bytes_per_second"] = rate(report);
    all["workers"] = report.workers;
    all["tickets"] = report.tickets;
    all["memory"] = memory_object(report);
    all["io"] = io_object(report);
    if (!limit.sentence.empty()) all["bound_by"] = verdict_object(limit);
    all["warnings"] = report.warnings();
    all["notices"] = notice_counts(report);
    all["first_notices"] = first_notices(report);
    return json_line(all);
}

}  // namespace submitit::cli
