// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <csignal>

namespace submitit::io {

/// Blocks every signal of the calling thread while it lives: threads started meanwhile inherit that, so a signal meant for
/// the host application is never delivered on a thread of ours.
class signals_blocked {
public:
    signals_blocked() noexcept {
        ::sigset_t all;
        ::sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    signals_blocked(signals_blocked const&) = delete;
    signals_blocked& operator=(signals_blocked const&) = delete;
    ~signals_blocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

private:
    ::sigset_t before_;
};

}  // namespace submitit::io
