// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>

#include "base/errc.hpp"
#include "io/backend.hpp"
#include "io/cached_probe.hpp"
#include "io/errno_text.hpp"
#include "io/read_ring.hpp"
#include "io/threads/threads.hpp"
#if SUBMITIT_WITH_URING
#include "io/uring/uring.hpp"
#endif

namespace submitit::io {
namespace {

constexpr char const* override_variable = "SUBMITIT_IO_BACKEND";

#if SUBMITIT_WITH_URING
void probe_uring(backend_report& report) {
    auto probed = uring::probe();
    report.uring_errno = probed.error;
    report.reason = std::move(probed.reason);
    report.uring_features = std::move(probed.features);
}

result<std::unique_ptr<backend>> start_uring(backend_options const& options) { return uring::start(options); }

result<std::unique_ptr<read_ring>> open_uring(std::uint32_t reads_max) { return uring::open_read_ring(reads_max); }
#else
void probe_uring(backend_report& report) {
    report.uring_errno = ENOSYS;
    report.reason = "this program was built without io_uring";
}

result<std::unique_ptr<backend>> start_uring(backend_options const&) { return from_errno(ENOSYS); }

result<std::unique_ptr<read_ring>> open_uring(std::uint32_t) { return from_errno(ENOSYS); }
#endif

/// What the caller asked for, or the environment in his place.
result<backend_kind> wanted_kind(backend_kind asked, backend_report& report) {
    if (asked != backend_kind::automatic) return asked;
    char const* const named = std::getenv(override_variable);
    if (named == nullptr || *named == '\0') return asked;
    auto const kind = parse_backend_kind(named);
    if (!kind) report.reason = std::string{override_variable} + " is neither auto, uring nor threads";
    return kind;
}

result<std::unique_ptr<backend>> start_threads(backend_options const& options, backend_report& report) {
    report.chosen = backend_kind::threads;
    return threads::start(options);
}

result<std::unique_ptr<backend>> start_best(backend_options const& options, backend_kind wanted,
                                            backend_report& report) {
    if (wanted == backend_kind::threads) {
        report.reason = "the thread pool was asked for by name";
        return start_threads(options, report);
    }
    if (report.uring_errno == 0) {
        auto started = start_uring(options);
        if (started) {
            report.chosen = backend_kind::uring;
            return started;
        }
        report.uring_errno = started.error().value();
        report.reason = "the io_uring of full size was refused: " + errno_text(report.uring_errno);
        report.uring_features.clear();
    }
    if (wanted == backend_kind::uring) return make_error_code(errc::io_uring_unavailable);
    return start_threads(options, report);
}

}  // namespace

backend_report probe() {
    backend_report report;
    probe_uring(report);
    report.chosen = report.uring_errno == 0 ? backend_kind::uring : backend_kind::threads;
    report.openat2 = openat2_works();
    report.cached_reads = cached_reads_work();
    return report;
}

result<selection> select_backend(backend_options const& options, backend_report* report) {
    backend_report found = probe();
    auto const wanted = wanted_kind(options.kind, found);
    result<std::unique_ptr<backend>> started = wanted ? start_best(options, *wanted, found) : wanted.error();
    if (report != nullptr) *report = found;
    if (!started) return started.error();
    return selection{std::move(*started), std::move(found)};
}

result<std::unique_ptr<read_ring>> open_read_ring(std::uint32_t reads_max) { return open_uring(reads_max); }

}  // namespace submitit::io
