// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "archive/traits.hpp"
#include "io/backend.hpp"
#include "pipeline/report.hpp"
#include "plan/checksums.hpp"
#include "walk/walker.hpp"

namespace submitit::pipeline {

struct flight;

/// Told of a job's progress on the job's executor, in archive order; the job goes on when the coroutine ends, so an observer that
/// waits slows the job instead of piling up.
class observer {
public:
    /// All entries are planned: `entries` with `bytes` of content.
    [[nodiscard]] virtual boost::asio::awaitable<void> analysed(std::uint64_t entries, std::uint64_t bytes) = 0;
    /// The flight's entries are in the output.
    [[nodiscard]] virtual boost::asio::awaitable<void> assembled(flight const& one) = 0;

protected:
    ~observer() = default;
};

/// One export: what and how. Plain values; the callbacks run on the job's executor, in archive order.
struct job_options {
    job_options() = default;  // user-declared: passed to coroutines by value (g++ 12 and aggregates)

    std::string name;  ///< for who watches; empty: that of the first source
    std::vector<walk::source> sources;
    walk::walk_options walk;
    archive::format_options format;
    bool watched = false;          ///< a counting walk runs beside; its window is booked
    bool strict = false;           ///< any warning fails the export
    bool waits_for_memory = true;  ///< false: fails with errc::engine_full where it would have to wait for its booking
    std::function<void(walk::notice const&)> on_notice;
    /// Runs first, where walks run, and may block: fills what is still missing. A failure ends the job.
    std::function<failure_cause(job_options&)> prepare;
    observer* watcher = nullptr;  ///< outlives the job's end

    // A stored zip's exact size and identity, before it is written:
    std::shared_ptr<plan::checksums> checksums;  ///< known, and to be completed
    bool measures = false;  ///< only sizes and checksums are wanted: what has a known one is not read
    std::optional<std::string> expected_digest;  ///< of a measuring job; anything else fails with errc::source_changed
};

/// One export with an engine of its own: and within what.
struct export_options : job_options {
    export_options() = default;

    std::uint64_t memory_bytes = 0;  ///< 0: the default for the format and level
    unsigned jobs = 0;               ///< workers; 0: one a processor
    io::backend_options io;
};

/// Live figures, written by the engine, readable from any thread without locks.
struct live_progress {
    std::atomic<std::uint64_t> entries{0};        ///< passed the assembler
    std::atomic<std::uint64_t> content_bytes{0};  ///< of regular files, passed the assembler
    std::atomic<std::uint64_t> output_bytes{0};
    std::atomic<std::uint64_t> warnings{0};
    std::atomic<std::uint64_t> total_entries{0};  ///< of the counting walk so far
    std::atomic<std::uint64_t> total_bytes{0};
    std::atomic<bool> totals_known{false};  ///< the counting walk has ended
    std::atomic<bool> publishing{false};    ///< syncing and naming the output
    std::atomic<bool> ended{false};
};

}  // namespace submitit::pipeline
