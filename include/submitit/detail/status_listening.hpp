// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include <boost/system/error_code.hpp>

#include "submitit/detail/status_protocol.hpp"

namespace submitit::detail {

class engine_core;

struct status_settings {
    std::string address;
    std::string token;
    bool allow_remote = false;
};

/// The half of a status endpoint that needs no execution context: a socket that listens, and what is said of an engine.
///
/// Lifetime: a socket file goes with it. The hub lives on by itself, and outlives the engine.
class [[gnu::visibility("default")]] status_listening {
public:
    /// Null, and `error` says why: EINVAL, EACCES, or what the system says.
    [[nodiscard]] static std::unique_ptr<status_listening> open(std::shared_ptr<engine_core> of,
                                                                status_settings const& settings,
                                                                boost::system::error_code& error);
    ~status_listening();
    status_listening(status_listening const&) = delete;
    status_listening& operator=(status_listening const&) = delete;

    [[nodiscard]] int family() const noexcept;
    [[nodiscard]] int descriptor() const noexcept;
    /// Whoever has taken over descriptor() says so.
    void release() noexcept;
    [[nodiscard]] std::shared_ptr<status_hub> hub() const noexcept;
    /// With the port it has.
    [[nodiscard]] std::string address() const;

private:
    struct [[gnu::visibility("hidden")]] state;
    explicit status_listening(std::unique_ptr<state> made) noexcept;
    std::unique_ptr<state> state_;
};

}  // namespace submitit::detail
