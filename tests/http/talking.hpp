// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "base/unique_fd.hpp"
#include "http/own_thread.hpp"

namespace submitit::testing {

/// A client of an endpoint that says what it likes, byte for byte. Reading blocks, at most ten seconds.
class talker {
public:
    explicit talker(http::address const& to);

    /// False once the endpoint has closed.
    bool say(std::string_view bytes);
    /// All until the endpoint closes; a reset counts as closing.
    [[nodiscard]] std::string rest();
    /// Until what came holds `mark`, or the endpoint closes.
    [[nodiscard]] std::string until(std::string_view mark);
    /// No more will be said.
    void finish();
    [[nodiscard]] int fd() const noexcept { return socket_.get(); }

private:
    [[nodiscard]] bool more();
    unique_fd socket_;
    std::string came_;
};

/// Limits whose times do not come while a test runs; a test that wants one sets it short.
[[nodiscard]] detail::status_limits patient_limits();

/// An endpoint over the sample snapshot on a free port of loopback, or as `options` has it.
[[nodiscard]] std::unique_ptr<http::own_thread> serve(http::hub_options options);
[[nodiscard]] http::hub_options on_loopback();

/// "GET path HTTP/1.1" with the right Host and Connection: close.
[[nodiscard]] std::string get_request(http::address const& of, std::string const& path, std::string const& more = {});
[[nodiscard]] std::string host_of(http::address const& of);

/// What is answered to one request.
[[nodiscard]] std::string ask(http::own_thread const& endpoint, std::string const& request);
[[nodiscard]] int status_of(std::string const& answer);
[[nodiscard]] std::string body_of(std::string const& answer);

}  // namespace submitit::testing
