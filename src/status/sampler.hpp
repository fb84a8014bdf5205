// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>

#include "status/snapshot.hpp"

namespace submitit::status {

/// Looks at an engine about once a second, and adds what only several looks can tell: rates, what is left, what limits it.
///
/// Threads: one at a time. Not promised: that sampling more often shows more; looks closer than a quarter second are not kept.
class sampler {
public:
    /// Fills budget, io, workers and jobs; see pipeline::engine::tell(), pipeline::running_export::tell().
    using source = std::function<void(snapshot&)>;
    /// Seconds since the epoch.
    using clock = std::function<double()>;

    explicit sampler(source from, clock time = {});

    /// Looks now.
    snapshot const& sample();
    [[nodiscard]] snapshot const& last() const noexcept { return last_; }

private:
    struct point {
        double seconds;  // of the job, without pauses
        double content_bytes;
        double output_bytes;
        double weight;
    };
    struct track {
        std::deque<point> points;
        std::deque<double> ends;  // estimates, in the job's seconds
    };

    void add_to(job_figures& job, bool keep);
    static void estimate(job_figures& job, track& of, point const& now, bool keep);
    [[nodiscard]] snapshot const& some_seconds_ago() const;

    source from_;
    clock time_;
    snapshot last_;
    std::deque<snapshot> history_;  // without names and lists
    std::map<std::uint64_t, track> tracks_;
    double kept_at_ = 0;
};

}  // namespace submitit::status
