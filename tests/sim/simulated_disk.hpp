// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "io/live_counters.hpp"
#include "sim/scheduler.hpp"

namespace submitit::sim {

/// What happens to one read.
enum class fault : std::uint8_t {
    none,
    media,     ///< EIO somewhere in it
    vanished,  ///< ENOENT
    denied,    ///< EACCES
    replaced,  ///< another inode
    changed,   ///< another mtime after it
    grown,     ///< ... and size
    shrunk,    ///< the file ends earlier than it did
    stuck,     ///< completes when nothing else can move
};

/// How a disk behaves. In percent of the reads.
struct disk_terms {
    unsigned spikes = 5;        ///< take ten times as long
    unsigned shorts = 10;       ///< a part first, then the rest
    unsigned interrupted = 10;  ///< EINTR, EAGAIN
    unsigned no_descriptor = 5;
    unsigned stuck = 0;
    unsigned faults = 0;       ///< all kinds of them
    unsigned lasting = 50;     ///< of the faults: the file has it in every attempt
    std::string always_fails;  ///< the path of a file that cannot be read
};

/// A backend that really reads, but when and how its scheduler's seed says.
class simulated_disk final : public io::backend {
public:
    simulated_disk(scheduler& on, disk_terms terms) : on_{&on}, terms_{std::move(terms)} {}

    void submit(io::read_op* first) noexcept override;
    [[nodiscard]] io::backend_kind kind() const noexcept override { return io::backend_kind::threads; }
    [[nodiscard]] io::backend_counters counters() const noexcept override { return counters_.snapshot(); }
    void tell(status::io_figures& into) const override { counters_.tell(into); }
    [[nodiscard]] std::uint64_t in_flight() const noexcept { return in_flight_; }
    [[nodiscard]] std::uint64_t faults() const noexcept { return faults_; }

private:
    struct reading;
    [[nodiscard]] fault choose(io::read_op const& op);
    void wait(std::shared_ptr<reading> one);
    void go_on(std::shared_ptr<reading> one);
    [[nodiscard]] bool opened(reading& one);
    [[nodiscard]] bool read_part(reading& one);
    void transfer(reading& one);
    void complete(reading& one);

    scheduler* on_;
    disk_terms terms_;
    io::live_counters counters_;
    std::map<std::string, fault, std::less<>> lasting_;
    std::uint64_t in_flight_ = 0;
    std::uint64_t faults_ = 0;
};

}  // namespace submitit::sim
