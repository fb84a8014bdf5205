// SPDX-License-Identifier: Apache-2.0
#include "cli/signals.hpp"

#include <pthread.h>
#include <unistd.h>

#include <csignal>
#include <ctime>

namespace submitit::cli {
namespace {

constexpr int wake_signal = SIGUSR2;

sigset_t watched() noexcept {
    sigset_t set;
    sigemptyset(&set);
    for (int const signal : {SIGINT, SIGTERM, SIGHUP}) {
        struct sigaction current{};
        // A signal that was ignored when the program started (nohup) stays ignored.
        if (::sigaction(signal, nullptr, &current) == 0 && current.sa_handler != SIG_IGN) sigaddset(&set, signal);
    }
    sigaddset(&set, wake_signal);
    return set;
}

}  // namespace

signal_watch::signal_watch() : main_thread_{::pthread_self()} {
    std::signal(SIGPIPE, SIG_IGN);
    for (int const signal : {SIGINT, SIGTERM, SIGHUP}) {
        struct sigaction current{};
        if (::sigaction(signal, nullptr, &current) != 0 || current.sa_handler == SIG_IGN) continue;
        current.sa_handler = [](int number) { ::_exit(128 + number); };
        ::sigaction(signal, &current, nullptr);
    }
}

void signal_watch::watch() const noexcept {
    auto const set = watched();
    ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

signals_let_through::signals_let_through() noexcept {
    auto set = watched();
    sigdelset(&set, wake_signal);  // one may be pending, and has no handler
    ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

signals_let_through::~signals_let_through() {
    auto const set = watched();
    ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

int signal_watch::wait(std::chrono::milliseconds patience) {
    auto const set = watched();
    auto const seconds = std::chrono::duration_cast<std::chrono::seconds>(patience);
    timespec const timeout{seconds.count(), std::chrono::nanoseconds{patience - seconds}.count()};
    int const signal = ::sigtimedwait(&set, nullptr, &timeout);
    if (signal <= 0 || signal == wake_signal) return 0;
    if (received_ != 0) ::_exit(128 + signal);
    received_ = signal;
    return signal;
}

void signal_watch::interrupt() const noexcept { ::pthread_kill(main_thread_, wake_signal); }

}  // namespace submitit::cli
