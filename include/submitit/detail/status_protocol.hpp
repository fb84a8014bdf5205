// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

// The seam of the status endpoint: what is said lies behind it, in the library; sockets and timers lie before it, in
// status_loop.hpp, compiled by whoever owns the execution context.
namespace submitit::detail {

/// How long and how many. The defaults are what the command line uses.
struct status_limits {
    std::chrono::milliseconds request{5000};       ///< for a request to arrive whole, however its bytes drip
    std::chrono::milliseconds connection{30'000};  ///< for all a connection does, but for streams
    std::chrono::milliseconds linger{1000};        ///< for the peer to take the last answer
    std::chrono::milliseconds event_write{5000};   ///< for one event to be taken
    std::chrono::milliseconds event_every{1000};
    std::chrono::milliseconds farewell{100};  ///< for the event on its way to be taken when the endpoint ends
    std::chrono::milliseconds fresh{100};     ///< a sample so young is told again instead of taking a new one
    unsigned connections = 8;                 ///< answered at once; those beyond hear 503
    unsigned streams = 4;                     ///< of them /events
    unsigned turned_away = 32;                ///< hearing 503 at once; those beyond are closed
    unsigned requests = 10;                   ///< of one connection
};

/// What a connection does next.
enum class status_step : std::uint8_t {
    receive,
    send,            ///< output(), then ask sent()
    send_and_close,  ///< output(), then no more
    stream,          ///< output(), then an event() each tick
};

/// One connection's part of the talk, without a socket.
class status_dialogue {
public:
    virtual ~status_dialogue() = default;
    /// The peer said so.
    [[nodiscard]] virtual status_step received(std::string_view bytes) = 0;
    /// The peer has taken output().
    [[nodiscard]] virtual status_step sent() = 0;
    /// What is to be sent; stays until the next call.
    [[nodiscard]] virtual std::string_view output() const = 0;
};

/// What all connections of an endpoint share. Called by one thread at a time.
class status_hub {
public:
    virtual ~status_hub() = default;
    /// A connection came; a crowded endpoint turns it away: its first step is send_and_close.
    [[nodiscard]] virtual std::unique_ptr<status_dialogue> meet(bool crowded) = 0;
    /// Event_every has passed.
    virtual void tick() = 0;
    /// What streams are sent after a tick, and when the endpoint ends.
    [[nodiscard]] virtual std::string event(bool last) = 0;
    /// The endpoint ends because of an exception.
    virtual void failed(char const* why) noexcept = 0;
    [[nodiscard]] virtual status_limits const& limits() const noexcept = 0;
};

}  // namespace submitit::detail
