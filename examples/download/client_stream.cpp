// SPDX-License-Identifier: Apache-2.0
#include "download/client_stream.hpp"

#include <array>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace download {

using boost::system::error_code;

namespace {

constexpr auto as_values = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::seconds farewell{2};

}  // namespace

client_stream::client_stream(asio::ip::tcp::socket socket, settings const& limits)
    : socket_{std::move(socket)}, patience_{limits.rate_min, limits.patience}, timer_{socket_.get_executor()} {
    error_code ignored;
    socket_.non_blocking(true, ignored);
    socket_.set_option(asio::ip::tcp::no_delay{true}, ignored);
}

asio::awaitable<std::size_t> client_stream::read_some(std::span<char> into, steady::time_point until) {
    auto const buffer = asio::buffer(into.data(), into.size());
    arm(until);
    auto const [error, bytes] = co_await socket_.async_read_some(buffer, as_values);
    disarm();
    co_return error ? 0 : bytes;
}

asio::awaitable<bool> client_stream::write(std::string_view bytes) {
    while (!bytes.empty()) {
        // Tried first: only a wait for a socket that is full is the client's own slowness.
        error_code error;
        auto const taken = socket_.write_some(asio::buffer(bytes.data(), bytes.size()), error);
        if (!error) {
            patience_.took(taken);
            bytes.remove_prefix(taken);
            continue;
        }
        if (error != asio::error::would_block && error != asio::error::try_again) co_return false;
        auto const begun = steady::now();
        arm(begun + patience_.left());
        auto const [gone] = co_await socket_.async_wait(asio::socket_base::wait_write, as_values);
        disarm();
        if (gone) co_return false;
        patience_.waited(steady::now() - begun);
    }
    co_return true;
}

asio::awaitable<void> client_stream::finish() {
    error_code error;
    socket_.shutdown(asio::socket_base::shutdown_send, error);
    // Closing with something unread would make the kernel drop what is still on its way to the client.
    auto const until = steady::now() + farewell;
    std::array<char, 1024> unread;
    while (!error) {
        if (co_await read_some(unread, until) == 0) break;
    }
    cut();
}

void client_stream::cut() noexcept {
    error_code ignored;
    socket_.set_option(asio::socket_base::linger{true, 0}, ignored);
    socket_.close(ignored);
    timer_.cancel();
}

// The deadline moves with every piece; the timer is set anew only when it would fire too late.
void client_stream::arm(steady::time_point due) {
    due_ = due;
    if (!watched_ || due_ < timer_.expiry()) watch();
}

void client_stream::watch() {
    watched_ = true;
    timer_.expires_at(due_);
    timer_.async_wait([self = shared_from_this()](error_code error) {
        if (error) return;  // set anew, or the connection has ended
        self->watched_ = false;
        if (self->due_ == never) return;
        if (self->due_ <= steady::now()) self->cut();
        else self->watch();
    });
}

}  // namespace download
