// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>
#include <shared_mutex>

#include "io/backend.hpp"
#include "pipeline/engine.hpp"
#include "status/snapshot.hpp"
#include "submitit/engine.hpp"

namespace submitit::detail {

/// What an engine shares with its jobs and readers, which may outlive it. Thread-safe.
class engine_core {
public:
    explicit engine_core(engine_options const& options);

    /// Hands reads to the backend; false, taking nothing, once the engine has gone.
    [[nodiscard]] bool submit(io::read_op* first) noexcept;
    /// Whether submit() would take something now.
    [[nodiscard]] bool is_open() const noexcept { return open_.load(std::memory_order_relaxed); }
    [[nodiscard]] io::backend_report const& report() const noexcept { return report_; }
    [[nodiscard]] memory::budget_stats budget() const;

    /// What the engine and its jobs do; how they ended, once it has gone; nothing in between.
    void tell(status::snapshot& into) const;

    /// Calls `start(engine)` unless the engine has gone: then false. What it starts keeps the engine until it leaves.
    template <class Start>
    [[nodiscard]] bool with_engine(Start start) {
        std::shared_lock const lock{closing_};
        if (!engine_) return false;
        start(*engine_);
        return true;
    }

    /// The engine goes: refuses what comes, cancels exports, and waits for what is under way.
    void close() noexcept;

private:
    mutable std::shared_mutex closing_;
    std::atomic<bool> open_{true};
    std::unique_ptr<pipeline::engine> engine_;
    io::backend_report report_;
    memory::budget_stats last_budget_;
    std::unique_ptr<status::snapshot const> last_status_;  // null where there was no memory for it
};

}  // namespace submitit::detail
