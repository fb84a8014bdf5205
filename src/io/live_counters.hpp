// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>

#include "io/backend.hpp"
#include "status/live_histogram.hpp"
#include "status/occupancy.hpp"

namespace submitit::io {

/// The counters while they count: added to by backend threads, read by anyone.
class live_counters {
public:
    void op() noexcept { add(ops_, 1); }
    void bytes(std::uint64_t count) noexcept { add(bytes_, count); }
    void short_read() noexcept { add(short_reads_, 1); }
    void retry() noexcept { add(retries_, 1); }
    void descriptor_wait() noexcept { add(descriptor_waits_, 1); }
    void plain_read() noexcept { add(plain_reads_, 1); }
    /// So many operations were handed to the kernel (or to the threads) at once.
    void batch(std::uint64_t operations) noexcept { batches_.add(operations); }
    /// Held by the device now.
    void in_flight(std::uint64_t reads, std::uint64_t opens) noexcept {
        reads_in_flight_.store(reads, std::memory_order_relaxed);
        opens_in_flight_.store(opens, std::memory_order_relaxed);
    }
    /// The op ends; op.clock_us, when it began, becomes how long it took.
    void took(read_op& op, std::uint64_t now_us) noexcept {
        op.clock_us = static_cast<std::uint32_t>(now_us) - op.clock_us;
        read_us_.add(op.clock_us);
    }

    [[nodiscard]] backend_counters snapshot() const noexcept {
        backend_counters now;
        now.ops = ops_.load(std::memory_order_relaxed);
        now.bytes = bytes_.load(std::memory_order_relaxed);
        now.short_reads = short_reads_.load(std::memory_order_relaxed);
        now.retries = retries_.load(std::memory_order_relaxed);
        now.descriptor_waits = descriptor_waits_.load(std::memory_order_relaxed);
        now.plain_reads = plain_reads_.load(std::memory_order_relaxed);
        return now;
    }

    void tell(status::io_figures& into) const {
        into.reads_in_flight = reads_in_flight_.load(std::memory_order_relaxed);
        into.opens_in_flight = opens_in_flight_.load(std::memory_order_relaxed);
        into.batch_size = batches_.told(1);
        into.read_seconds = read_us_.told(1e-6);
    }

private:
    using counter = std::atomic<std::uint64_t>;
    static void add(counter& to, std::uint64_t count) noexcept { to.fetch_add(count, std::memory_order_relaxed); }

    counter ops_{0};
    counter bytes_{0};
    counter short_reads_{0};
    counter retries_{0};
    counter descriptor_waits_{0};
    counter plain_reads_{0};
    counter reads_in_flight_{0};
    counter opens_in_flight_{0};
    status::live_histogram<9> batches_{{1, 2, 4, 8, 16, 32, 64, 128, 256}};
    status::live_histogram<15> read_us_{
        {20, 50, 100, 250, 500, 1000, 2500, 5000, 10'000, 25'000, 50'000, 100'000, 250'000, 1'000'000, 10'000'000}};
};

}  // namespace submitit::io
