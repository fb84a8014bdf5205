// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "io/backend.hpp"
#include "memory/budget.hpp"
#include "walk/notice.hpp"

namespace submitit::pipeline {

/// Why an export did not end well; each maps to an exit status.
enum class failure_kind : std::uint8_t {
    none,
    source,
    nothing_to_store,
    strict,
    output,
    budget,
    io_backend,
    cancelled,
    internal
};

struct failure_cause {
    failure_kind kind = failure_kind::none;
    error_code error;
    std::string path;    ///< the source or output concerned; may be empty
    std::string detail;  ///< completes the sentence; may be empty
};

/// What an export did. Complete also after a failure (then of the part that was done).
struct export_report {
    failure_cause failure;
    std::uint64_t entries = 0;
    std::uint64_t files = 0;
    std::uint64_t directories = 0;
    std::uint64_t links = 0;
    std::uint64_t others = 0;
    std::uint64_t content_bytes = 0;
    std::uint64_t output_bytes = 0;
    std::array<std::uint64_t, walk::notice_kinds> notices{};  ///< by kind
    std::vector<walk::notice> first_notices;                  ///< the first 20
    double seconds = 0;
    std::uint64_t memory_limit_bytes = 0;
    memory::budget_stats budget;
    unsigned workers = 0;
    std::uint64_t tickets = 0;
    std::uint64_t cached_reads = 0;   ///< done by a worker out of the page cache
    std::uint64_t backend_reads = 0;  ///< handed to the backend
    std::uint64_t descriptor_waits = 0;
    io::backend_report backend;
    io::backend_counters io;
    std::string output_path;
    std::string digest;  ///< of what decides a stored zip's bytes, when it was asked for

    [[nodiscard]] std::uint64_t count(walk::notice_kind kind) const noexcept {
        return notices[static_cast<std::size_t>(kind)];
    }
    /// Everything that makes the exit status 1.
    [[nodiscard]] std::uint64_t warnings() const noexcept {
        std::uint64_t sum = 0;
        for (std::size_t kind = 0; kind < notices.size(); ++kind)
            if (!walk::is_note(static_cast<walk::notice_kind>(kind))) sum += notices[kind];
        return sum;
    }
};

}  // namespace submitit::pipeline
