// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>

namespace submitit::cli {

/// Takes SIGINT, SIGTERM and SIGHUP by sigtimedwait(2) instead of handlers. SIGPIPE is ignored: a reader that went away is
/// an error of write(2).
class signal_watch {
public:
    signal_watch();

    /// Blocks them in this thread and all made after it; until then they end the process at once, with 128 + n.
    /// Call before what must not be left behind is made.
    void watch() const noexcept;

    /// Waits up to `patience` for a signal; its number, or 0. The second one ends the process at once with 128 + n.
    int wait(std::chrono::milliseconds patience);

    /// Ends a wait() early; from any thread.
    void interrupt() const noexcept;

    /// The first signal that came, or 0.
    [[nodiscard]] int received() const noexcept { return received_; }

private:
    int received_ = 0;
    unsigned long main_thread_;
};

/// While it lives, a watched signal ends the process: for calls that may wait for ever.
class signals_let_through {
public:
    signals_let_through() noexcept;
    ~signals_let_through();
    signals_let_through(signals_let_through const&) = delete;
    signals_let_through& operator=(signals_let_through const&) = delete;
};

}  // namespace submitit::cli
