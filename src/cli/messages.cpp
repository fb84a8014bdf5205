// SPDX-License-Identifier: Apache-2.0
#include "cli/messages.hpp"

#include <unistd.h>

#include "base/display_name.hpp"
#include "base/errc.hpp"
#include "base/sizes.hpp"
#include "cli/exit_status.hpp"

namespace submitit::cli {
namespace {

std::string_view what_happened(walk::notice_kind kind) noexcept {
    switch (kind) {
        case walk::notice_kind::vanished: return "vanished before it was read: left out";
        case walk::notice_kind::changed: return "changed";
        case walk::notice_kind::damaged: return "damaged";
        case walk::notice_kind::unreadable: return "unreadable";
        case walk::notice_kind::replaced: return "replaced by another file while the export ran: left out";
        case walk::notice_kind::refused: return "not followed";
        case walk::notice_kind::special: return "left out";
        case walk::notice_kind::name_warning: return "name";
        case walk::notice_kind::attribute_lost: return "stored without some attributes";
        case walk::notice_kind::unsupported: return "left out";
        case walk::notice_kind::socket: return "a socket: left out";
        case walk::notice_kind::skipped_mount: return "a mount: not entered";
        case walk::notice_kind::own_output: return "this program's own output: left out";
        case walk::notice_kind::ignored_source:
            return "its repository ignores this source (--gitignore): nothing in it is taken";
    }
    return "?";
}

std::string path_prefix(std::string const& path) {
    if (path.empty()) return {};
    return (path == "-" ? std::string{"standard output"} : display_name(path)) + ": ";
}

std::string describe_output(pipeline::failure_cause const& failure) {
    auto const where = path_prefix(failure.path);
    if (failure.error == errc::name_not_synced)
        return where +
               "the complete archive stands there, but its directory cannot be synced: the name may not survive a "
               "power loss";
    if (!failure.detail.empty()) return where + failure.detail + ": " + failure.error.message();
    switch (failure.error.value()) {
        case ENOSPC:
            return where + "no space left on the device. Nothing was published; free some space or write elsewhere";
        case EDQUOT: return where + "the disk quota is used up. Nothing was published";
        case EPIPE: return where + "the reader went away before the archive was complete";
        case EEXIST: return where + "exists already (--no-clobber)";
        case EFBIG:
            return where + "the file would be larger than this file system or limit allows. Nothing was published";
        default: return where + "cannot write: " + failure.error.message() + ". Nothing was published";
    }
}

}  // namespace

int standard_output_failed() {
    print_error("standard output cannot be written: " + last_errno().message());
    return output_failure;
}

void print_line(std::string_view text) {
    std::string line{text};
    line += '\n';
    static_cast<void>(::write(STDERR_FILENO, line.data(), line.size()) < 0);
}

void print_error(std::string_view text) { print_line("submitit-io: error: " + std::string{text}); }

std::string describe(walk::notice const& notice) {
    std::string line = walk::is_note(notice.kind) ? "submitit-io: note: " : "submitit-io: warning: ";
    line += display_name(notice.path);
    line += ": ";
    line += what_happened(notice.kind);
    if (!notice.detail.empty()) line += ": " + notice.detail;
    if (notice.error && notice.kind != walk::notice_kind::vanished) line += ": " + notice.error.message();
    if (notice.kind == walk::notice_kind::unreadable && notice.detail.empty()) line += ": left out";
    return line;
}

std::string describe_exhausted(error_code error) {
    if (error == boost::system::errc::resource_unavailable_try_again)
        return "the system refuses more threads: raise the limit of processes (ulimit -u, or the container's)";
    if (error == boost::system::errc::not_enough_memory)
        return "the system has no more memory: a smaller --memory or fewer --jobs may fit";
    return "internal error: " + error.message();
}

std::string describe(pipeline::failure_cause const& failure, pipeline::export_report const& report) {
    switch (failure.kind) {
        case pipeline::failure_kind::none: return {};
        case pipeline::failure_kind::source:
            return path_prefix(failure.path) + "the source cannot be read: " + failure.error.message() +
                   ". Nothing was published";
        case pipeline::failure_kind::nothing_to_store:
            return "nothing to store: every name was left out. Nothing was published";
        case pipeline::failure_kind::strict:
            return format_count(report.warnings()) + (report.warnings() == 1 ? " warning" : " warnings") +
                   " with --strict: nothing was published";
        case pipeline::failure_kind::output: return describe_output(failure);
        case pipeline::failure_kind::budget: {
            auto const needed = std::stoull(failure.detail);
            auto const mebibytes = (needed + MiB - 1) / MiB;
            return "the memory budget of " + format_size(report.memory_limit_bytes) +
                   " is too small for this format and level: it takes " + std::to_string(needed) + " bytes (-m " +
                   std::to_string(mebibytes) + "MiB)";
        }
        case pipeline::failure_kind::io_backend:
            if (failure.error == errc::io_uring_unavailable)
                return "io_uring was asked for and is not available: " + failure.detail +
                       ". Use --io auto or --io threads";
            return "files cannot be read: " + failure.detail + ": " + failure.error.message();
        case pipeline::failure_kind::cancelled: return "interrupted: nothing was published";
        case pipeline::failure_kind::internal: return describe_exhausted(failure.error) + ". Nothing was published";
    }
    return "internal error";
}

int exit_status_of(pipeline::export_report const& report, int signal_number) noexcept {
    switch (report.failure.kind) {
        case pipeline::failure_kind::none: return report.warnings() != 0 ? warnings : ok;
        case pipeline::failure_kind::source:
        case pipeline::failure_kind::nothing_to_store:
        case pipeline::failure_kind::strict: return source_failure;
        case pipeline::failure_kind::output: return output_failure;
        case pipeline::failure_kind::budget: return budget_too_small;
        case pipeline::failure_kind::cancelled: return 128 + signal_number;
        case pipeline::failure_kind::io_backend:
        case pipeline::failure_kind::internal: break;
    }
    return internal_error;
}

}  // namespace submitit::cli
