// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <vector>

#include "archive/traits.hpp"
#include "io/backend.hpp"
#include "walk/walker.hpp"

namespace submitit::pipeline {

/// One export: what, how, within what. Plain values; the callbacks run on the engine's control thread, in archive order.
struct export_options {
    export_options() = default;  // user-declared: passed to coroutines by value (g++ 12 and aggregates)

    std::vector<walk::source> sources;
    walk::walk_options walk;
    archive::format_options format;
    std::uint64_t memory_bytes = 0;  ///< 0: the default for the format and level
    unsigned jobs = 0;               ///< workers; 0: one a processor
    io::backend_options io;
    bool watched = false;  ///< a counting walk runs beside; its window is booked
    bool strict = false;   ///< any warning fails the export
    std::function<void(walk::notice const&)> on_notice;
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
};

}  // namespace submitit::pipeline
