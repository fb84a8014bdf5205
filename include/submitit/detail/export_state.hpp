// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/system/error_code.hpp>

#include "submitit/detail/completion.hpp"
#include "submitit/export_report.hpp"
#include "submitit/format.hpp"

namespace submitit {
class checksum_cache;
}
namespace submitit::plan {
class checksums;
}

namespace submitit::detail {

class engine_core;

/// What export_job's setters fill.
struct export_request {
    std::vector<std::string> sources;
    std::optional<std::string> prefix;
    format kind = format::zip;
    int level = 0;  ///< 0: the format's default
    bool store = false;
    bool reproducible = false;
    bool strict = false;
    bool dereference = false;
    bool one_file_system = false;
    bool gitignore = false;
    bool small_tickets = false;
    bool waits_for_memory = true;
    std::vector<std::pair<bool, std::string>> rules;  ///< in order; true includes

    std::shared_ptr<plan::checksums> checksums;
    std::optional<std::string> expected_digest;
    std::uint64_t skipped_bytes = 0;

    /// Deliver a batch on the host's executor; `delivered` goes with its last copy, when the batch was delivered or lost.
    using token = std::shared_ptr<void>;
    std::function<void(std::vector<file_processed>, token delivered)> on_file_processed;
    std::function<void(std::vector<notice>, token delivered)> on_notice;
    std::function<void(std::vector<analysis_complete>, token delivered)> on_analysis_complete;
    std::function<void(std::vector<export_complete>, token delivered)> on_export_complete;
};

/// Where a file goes.
struct export_target {
    std::string path;
    bool replace = true;
    bool sync = true;
};

/// One export, shared by its export_job and the engine's threads. Thread-safe but for request().
class [[gnu::visibility("default")]] export_state {
public:
    using run_handler = completion<boost::system::error_code, export_report>;
    using read_handler = completion<boost::system::error_code, std::size_t>;

    explicit export_state(std::shared_ptr<engine_core> engine);
    ~export_state();
    export_state(export_state const&) = delete;
    export_state& operator=(export_state const&) = delete;

    /// Before anything was started.
    [[nodiscard]] export_request& request() noexcept;

    void set_checksums(checksum_cache const& known);

    void run_to_file(export_target target, run_handler on_end);
    /// The first call starts the export. `eof` as the host compares it: that category is an object of each binary.
    void read_some(void* into, std::size_t bytes, boost::system::error_code eof, read_handler on_read);
    /// As a stored zip; what is measured is in the report.
    void measure(run_handler on_end);
    /// Of the read that is started next.
    [[nodiscard]] std::uint64_t next_read() noexcept;
    /// Unless read `number` is over: it completes with operation_aborted, and nothing is lost; or the whole export is cancelled.
    void cancel_read(std::uint64_t number);
    void cancel_by_read(std::uint64_t number);
    /// Completes when the export has ended, however; without one under way, at once.
    void wait(run_handler on_end);
    void cancel() noexcept;
    bool cancel_unless_begun() noexcept;

    [[nodiscard]] export_progress progress() const noexcept;

private:
    struct [[gnu::visibility("hidden")]] impl;
    std::shared_ptr<impl> impl_;
};

}  // namespace submitit::detail
