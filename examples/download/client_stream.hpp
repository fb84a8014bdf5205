// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "download/settings.hpp"

namespace download {

namespace asio = boost::asio;
using steady = std::chrono::steady_clock;

/// How much longer a client may be waited for. Waiting uses it up, bytes taken earn it back, and nobody can save up more than
/// there was at first: so a client that keeps to the rate never runs out, one that stands still does so after `full`, and one at
/// half the rate after twice that. A client that waits for us loses nothing.
class patience {
public:
    patience(double rate_min, steady::duration full) : bytes_per_tick_{rate_min / ticks_per_second}, full_{full} {}

    [[nodiscard]] steady::duration left() const noexcept { return left_; }
    void waited(steady::duration time) noexcept { left_ -= time; }
    void took(std::size_t bytes) noexcept {
        auto const earned = steady::duration{static_cast<steady::rep>(static_cast<double>(bytes) / bytes_per_tick_)};
        left_ = std::min(left_ + earned, full_);
    }

private:
    static constexpr double ticks_per_second = 1.0 * steady::period::den / steady::period::num;

    double bytes_per_tick_;
    steady::duration full_;
    steady::duration left_ = full_;
};

/// A client's socket with its deadlines. All members on its executor, which runs one handler at a time.
///
/// Alive: shared, as its timer may fire late.
class client_stream : public std::enable_shared_from_this<client_stream> {
public:
    client_stream(asio::ip::tcp::socket socket, settings const& limits);

    [[nodiscard]] asio::any_io_executor get_executor() { return socket_.get_executor(); }

    /// Bytes from the client; 0: it has gone, or `until` has passed.
    [[nodiscard]] asio::awaitable<std::size_t> read_some(std::span<char> into, steady::time_point until);
    /// True when the kernel has taken all of it; false: the client has gone, or was too slow.
    [[nodiscard]] asio::awaitable<bool> write(std::string_view bytes);
    /// Ends the connection such that what was written still arrives, if the client takes it within two seconds.
    [[nodiscard]] asio::awaitable<void> finish();
    /// Ends it at once. What is under way fails; what the kernel still holds is dropped, and its memory free.
    void cut() noexcept;

private:
    void arm(steady::time_point due);
    void disarm() noexcept { due_ = never; }
    void watch();

    static constexpr auto never = steady::time_point::max();

    asio::ip::tcp::socket socket_;
    patience patience_;
    asio::steady_timer timer_;
    steady::time_point due_ = never;
    bool watched_ = false;  // a wait of timer_ is under way, for due_ or earlier
};

}  // namespace download
