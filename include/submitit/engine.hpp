// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <boost/system/error_code.hpp>

namespace submitit {

/// How files are read: a ring of the kernel's (io_uring), a pool of threads, or whichever works here.
enum class backend_kind : std::uint8_t { automatic, uring, threads };

/// What was probed, chosen and why.
struct backend_report {
    backend_kind chosen = backend_kind::threads;  ///< never `automatic`
    std::string reason;                           ///< one sentence; empty when the ring was chosen without further ado
    int uring_errno = 0;                          ///< why the ring cannot be used; 0 when it can
    std::string uring_features;                   ///< flags in use: "SINGLE_ISSUER DEFER_TASKRUN SUBMIT_ALL"
};

/// What an engine is made of. A plain value; every member has a default that suits a server.
class engine_options {
public:
    engine_options() = default;

    /// Bytes that all exports of the engine share. 0: 256 MiB.
    engine_options& memory(std::uint64_t bytes) noexcept {
        memory_bytes_ = bytes;
        return *this;
    }
    /// Threads that compress; 0: one a processor.
    engine_options& workers(unsigned count) noexcept {
        workers_ = count;
        return *this;
    }
    /// Threads that walk directories, and as many that write files; both may block in system calls.
    engine_options& blocking_threads(unsigned count) noexcept {
        blocking_threads_ = count;
        return *this;
    }
    /// Naming one forces it; `uring` then fails where the kernel refuses it.
    engine_options& backend(backend_kind kind) noexcept {
        backend_ = kind;
        return *this;
    }
    /// File descriptors the engine may hold; 0: half of RLIMIT_NOFILE, at most 32,768.
    engine_options& descriptors(std::uint32_t count) noexcept {
        descriptors_ = count;
        return *this;
    }

    /// As it was set.
    /// @{
    [[nodiscard]] std::uint64_t memory() const noexcept { return memory_bytes_; }
    [[nodiscard]] unsigned workers() const noexcept { return workers_; }
    [[nodiscard]] unsigned blocking_threads() const noexcept { return blocking_threads_; }
    [[nodiscard]] backend_kind backend() const noexcept { return backend_; }
    [[nodiscard]] std::uint32_t descriptors() const noexcept { return descriptors_; }
    /// @}

private:
    std::uint64_t memory_bytes_ = 0;
    unsigned workers_ = 0;
    unsigned blocking_threads_ = 2;
    backend_kind backend_ = backend_kind::automatic;
    std::uint32_t descriptors_ = 0;
};

/// What an engine's budget is used for now.
struct engine_usage {
    std::uint64_t limit_bytes = 0;        ///< engine_options::memory
    std::uint64_t used_bytes = 0;         ///< windows, encoders, tickets in flight
    std::uint64_t committed_bytes = 0;    ///< and what every export may need to go on
    std::uint64_t high_water_bytes = 0;   ///< largest used_bytes ever; never above the limit
    std::uint32_t limit_descriptors = 0;  ///< what exports may hold of engine_options::descriptors
    std::uint32_t used_descriptors = 0;   ///< of tickets in flight
};

namespace detail {
class engine_core;
}

/// Threads, memory and a way to read files, shared by any number of exports and readers. Several engines may live in a process;
/// nothing is global.
///
/// Threads:  the workers, the ring's one (or the pool that reads), `blocking_threads` twice, one that steers; none of them is
///           the host's, no handler ever runs on one of them. Blocked signals stay the host's business: the engine's threads
///           take none.
/// Safe:     all members on any thread at once, but for the destructor.
/// Lifetime: the destructor cancels what runs and waits until it has drained; it may block as long as the device takes. Jobs and
///           readers may outlive it: what they start then fails with errc::engine_closed.
/// fork:     the child has none of the threads; it may only _exit or exec.
class [[gnu::visibility("default")]] engine {
public:
    /// Throws boost::system::system_error: errc::io_uring_unavailable, or the system's refusal of threads or descriptors.
    explicit engine(engine_options options = engine_options());
    ~engine();
    engine(engine const&) = delete;
    engine& operator=(engine const&) = delete;

    /// How files are read, and why so.
    [[nodiscard]] backend_report backend() const;
    /// Of the budget, now; after the end, what it was last.
    [[nodiscard]] engine_usage usage() const;

    /// For jobs and readers.
    [[nodiscard]] std::shared_ptr<detail::engine_core> const& core() const noexcept { return core_; }

private:
    std::shared_ptr<detail::engine_core> core_;
};

}  // namespace submitit
