// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>

namespace submitit::cli {

/// Takes SIGINT, SIGTERM and SIGHUP by sigtimedwait(2) instead of handlers: blocks them in this thread and all made
/// after it. Construct first thing in main. SIGPIPE is ignored: a reader that went away is an error of write(2).
class signal_watch {
public:
    signal_watch();

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

}  // namespace submitit::cli
