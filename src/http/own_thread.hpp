// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "http/hub.hpp"

namespace submitit::http {

/// An endpoint on a thread of its own, which nothing else waits for. Signals are to be blocked in the thread that makes it.
///
/// Fails:   an exception on that thread ends the endpoint, by hub_options::on_failure with why, and nothing else.
/// Stop:    the destructor; readers of /events hear the last state if they take it at once. It waits for no client.
class own_thread {
public:
    /// Listens at options.where and begins. `source` is called on the endpoint's thread, until the destructor returns.
    [[nodiscard]] static result<std::unique_ptr<own_thread>> start(hub_options options,
                                                                   std::function<status::snapshot()> source);
    ~own_thread();
    own_thread(own_thread const&) = delete;
    own_thread& operator=(own_thread const&) = delete;

    /// With the port it has.
    [[nodiscard]] address const& where() const noexcept;

private:
    struct state;
    explicit own_thread(std::unique_ptr<state> made);
    std::unique_ptr<state> state_;
};

}  // namespace submitit::http
