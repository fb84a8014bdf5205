// SPDX-License-Identifier: Apache-2.0
#include "download/listener.hpp"

#include <exception>
#include <utility>
#include <vector>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace download {

using asio::ip::tcp;

namespace {

constexpr auto as_values = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t turned_away_max = 64;  // at once; more are closed without a word

}  // namespace

listener::listener(asio::io_context& context, tcp::endpoint const& at, service& shared)
    : context_{context}, acceptor_{asio::make_strand(context)}, pause_{acceptor_.get_executor()}, shared_{shared} {
    acceptor_.open(at.protocol());
    acceptor_.set_option(tcp::acceptor::reuse_address{true});
    // Connections inherit these, which only works before the handshake for what is received.
    acceptor_.set_option(asio::socket_base::send_buffer_size{send_buffer_bytes});
    acceptor_.set_option(asio::socket_base::receive_buffer_size{receive_buffer_bytes});
    acceptor_.bind(at);
    acceptor_.listen();
}

void listener::start() {
    auto const self = shared_from_this();
    auto const keep = [self](std::exception_ptr const&) {};
    asio::co_spawn(acceptor_.get_executor(), accept(), keep);
}

asio::awaitable<void> listener::accept() {
    while (acceptor_.is_open()) {
        asio::any_io_executor const strand = asio::make_strand(context_);
        auto [error, socket] = co_await acceptor_.async_accept(strand, as_values);
        if (!error) {
            take(std::move(socket));
        } else if (error != asio::error::operation_aborted && error != asio::error::connection_aborted) {
            // No descriptor or memory now; some will come back.
            pause_.expires_after(std::chrono::milliseconds{100});
            co_await pause_.async_wait(as_values);
        }
    }
}

void listener::take(tcp::socket socket) {
    std::shared_ptr<connection> made;
    std::uint64_t id = 0;
    bool full = false;
    {
        std::lock_guard const lock{mutex_};
        full = alive_.size() >= shared_.limits.connections_max;
        if (stopped_ || alive_.size() >= shared_.limits.connections_max + turned_away_max) return;
        made = std::make_shared<connection>(std::move(socket), shared_);
        id = next_id_++;
        alive_.emplace(id, made);
    }
    auto const executor = made->get_executor();
    auto const ended = [self = shared_from_this(), made, id](std::exception_ptr const&) { self->gone(id); };
    if (full) asio::co_spawn(executor, made->turn_away(), ended);
    else asio::co_spawn(executor, made->serve(), ended);
}

void listener::gone(std::uint64_t id) {
    std::lock_guard const lock{mutex_};
    alive_.erase(id);
}

void listener::stop() {
    std::vector<std::shared_ptr<connection>> living;
    {
        std::lock_guard const lock{mutex_};
        stopped_ = true;
        for (auto const& [id, one] : alive_)
            if (auto alive = one.lock()) living.push_back(std::move(alive));
    }
    for (auto const& one : living) one->stop();
    asio::post(acceptor_.get_executor(), [self = shared_from_this()] {
        boost::system::error_code ignored;
        self->acceptor_.close(ignored);
        self->pause_.cancel();
    });
}

std::size_t listener::connections() const {
    std::lock_guard const lock{mutex_};
    return alive_.size();
}

}  // namespace download
