// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>

#include "io/backend.hpp"

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

private:
    using counter = std::atomic<std::uint64_t>;
    static void add(counter& to, std::uint64_t count) noexcept { to.fetch_add(count, std::memory_order_relaxed); }

    counter ops_{0};
    counter bytes_{0};
    counter short_reads_{0};
    counter retries_{0};
    counter descriptor_waits_{0};
    counter plain_reads_{0};
};

}  // namespace submitit::io
