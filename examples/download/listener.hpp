// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "download/connection.hpp"
#include "download/service.hpp"

namespace download {

/// Takes connections, each on a strand of its own, and knows those that live.
///
/// Threads: stop() and connections() from anywhere.
/// Alive:   `context` and `shared` outlive it.
class listener : public std::enable_shared_from_this<listener> {
public:
    /// Listens already; throws boost::system::system_error where that is refused.
    listener(asio::io_context& context, asio::ip::tcp::endpoint const& at, service& shared);

    void start();
    /// Takes no more connections and ends those there are.
    void stop();

    [[nodiscard]] asio::ip::tcp::endpoint local_endpoint() const { return acceptor_.local_endpoint(); }
    [[nodiscard]] std::size_t connections() const;

private:
    [[nodiscard]] asio::awaitable<void> accept();
    void take(asio::ip::tcp::socket socket);
    void gone(std::uint64_t id);

    asio::io_context& context_;
    asio::ip::tcp::acceptor acceptor_;
    asio::steady_timer pause_;
    service& shared_;

    mutable std::mutex mutex_;
    bool stopped_ = false;
    std::uint64_t next_id_ = 0;
    std::map<std::uint64_t, std::weak_ptr<connection>> alive_;
};

}  // namespace download
