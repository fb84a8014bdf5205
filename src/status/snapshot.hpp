// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// What can be told of an engine and its exports at one moment, as plain values. Whoever shows it (an endpoint, a terminal) knows
// nothing else; whoever fills it takes no lock that a worker takes.
namespace submitit::status {

/// Where the bytes of an export can be, in their order.
enum class stage : std::uint8_t { walk, budget_wait, read, queue, codec, order_wait, sink };
inline constexpr std::size_t stages = 7;

/// Monotone but for `depth`. What is under way counts up to now.
struct stage_figures {
    double busy_seconds = 0;  ///< working, summed over threads: walk, cached reads, codec, writes to the sink
    double waiting_seconds =
        0;  ///< summed over the tickets in it; `sink` and `walk`: blocked in the system, by the device or reader
    std::uint64_t items = 0;  ///< that left it: entries for walk, reads for read, tickets for the others
    std::uint64_t bytes = 0;  ///< that left it
    std::uint64_t depth = 0;  ///< in it now
};

/// Cumulative counts, as OpenMetrics has them: counts[i] values were at most bounds[i]; `count` is of all.
struct histogram {
    std::vector<double> bounds;
    std::vector<std::uint64_t> counts;
    std::uint64_t count = 0;
    double sum = 0;
};

/// What a run is bound by.
enum class bound : std::uint8_t { nothing, disk, cpu, memory, sink, walk };

struct verdict {
    bound by = bound::nothing;
    std::string sentence;  ///< "bound by the CPU: ..., a lower --level or more --jobs would help"
    std::string flag;      ///< the option that would help, as typed ("--memory 128MiB"); may be empty
};

struct warning {
    std::string kind;  ///< snake_case, of a closed list
    std::string path;  ///< as displayed: no control characters
    std::string text;
};

struct warning_count {
    std::string kind;
    std::uint64_t count = 0;
    bool note = false;  ///< not counted as a warning
};

struct slow_file {
    std::string path;  ///< as displayed
    std::uint64_t bytes = 0;
    double seconds = 0;
};

enum class job_state : std::uint8_t { waiting, running, paused, publishing, done, failed, cancelled };

/// Time that workers had nothing to do until a ticket of this job came, by what it came late from; summed over workers.
struct idle_figures {
    double device_seconds = 0;  ///< reads that were not cached
    double budget_seconds = 0;  ///< its grant, for want of memory (or descriptors)
    double window_seconds =
        0;  ///< its grant, for more tickets in flight would be of no use, or its admission, by the thread that writes
    double walk_seconds = 0;   ///< it was planned late
    double links_seconds = 0;  ///< an earlier ticket, which holds the first name of a hard link
};

struct job_figures {
    std::uint64_t id = 0;  ///< rises within an engine
    std::string name;      ///< as displayed; the first source, or what the host called it
    std::string output;    ///< as displayed; empty when it is streamed to a host
    std::string format;    ///< "zip", "tar", "tar.gz", "tar.zst"
    int level = 0;
    job_state state = job_state::waiting;
    double seconds = 0;         ///< since it began, until its end
    double paused_seconds = 0;  ///< of those
    std::uint64_t entries = 0;
    std::uint64_t files = 0;
    std::uint64_t content_bytes = 0;
    std::uint64_t output_bytes = 0;
    std::uint64_t total_entries = 0;  ///< so far, when !totals_known
    std::uint64_t total_bytes = 0;
    bool totals_known = false;
    double bytes_per_second = 0;  ///< of content, over the last seconds
    double output_bytes_per_second = 0;
    std::optional<double> fraction;           ///< done, 0 to 1
    std::optional<double> eta_seconds;        ///< until the end
    std::optional<double> eta_error_seconds;  ///< half-width of the range the last estimates moved in
    std::array<stage_figures, stages> stage;
    double head_stall_seconds = 0;   ///< the ticket everyone waited for had no grant
    double window_wait_seconds = 0;  ///< of budget_wait: there was memory, but enough tickets were in flight
    idle_figures idle;
    std::vector<warning_count> warning_counts;
    std::vector<warning> last_warnings;  ///< at most 20, newest last
    std::vector<slow_file> slowest;      ///< at most 10, slowest first
    verdict bound_by;
};

struct budget_figures {
    std::uint64_t limit_bytes = 0;
    std::uint64_t used_bytes = 0;
    std::uint64_t committed_bytes = 0;
    std::uint64_t high_water_bytes = 0;
    std::uint64_t engine_bytes = 0;
    std::uint64_t grants_from_reserve = 0;  ///< rule A
    std::uint64_t grants_from_pool = 0;     ///< rule B
    std::uint32_t limit_slots = 0;
    std::uint32_t used_slots = 0;
};

struct io_figures {
    std::string backend;  ///< "uring" or "threads"
    std::string reason;   ///< why that one
    int fallback_errno = 0;
    std::uint64_t reads_in_flight = 0;
    std::uint64_t opens_in_flight = 0;
    std::uint64_t operations = 0;
    std::uint64_t bytes = 0;
    std::uint64_t short_reads = 0;
    std::uint64_t retries = 0;
    std::uint64_t descriptor_waits = 0;
    std::uint64_t plain_reads = 0;
    std::uint64_t cached_reads = 0;
    histogram batch_size;    ///< operations a submission
    histogram read_seconds;  ///< from submission to completion
};

struct worker_figures {
    std::uint32_t workers = 0;
    std::uint32_t busy = 0;  ///< now
    double busy_seconds = 0;
    std::uint64_t queued = 0;      ///< tickets ready for a worker now
    std::uint32_t wanted = 0;      ///< that would have been started with a larger budget; 0: as many as there are
    std::uint32_t processors = 0;  ///< of this machine, for this process
};

struct process_figures {
    std::uint64_t resident_bytes = 0;
    std::uint64_t descriptors = 0;
    std::uint64_t descriptors_max = 0;
    double cpu_seconds = 0;
    double start_time_seconds = 0;  ///< since the epoch
};

struct build_info {
    std::string version;
    std::string compiler;
    std::string kernel;
};

struct snapshot {
    std::uint64_t sequence = 0;  ///< rises with each sample
    double time_seconds = 0;     ///< since the epoch
    build_info build;
    process_figures process;
    budget_figures budget;
    io_figures io;
    worker_figures workers;
    std::vector<job_figures> jobs;  ///< those under way, and the last that ended
};

}  // namespace submitit::status
