// SPDX-License-Identifier: Apache-2.0
#include "http/client.hpp"

#include <array>
#include <memory>

#include <boost/asio/buffer.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/write.hpp>

namespace submitit::http {
namespace {

namespace asio = boost::asio;
using generic = asio::generic::stream_protocol;

constexpr std::size_t answer_bytes_max = std::size_t{64} << 20U;

generic::endpoint endpoint_of(address const& where) {
    if (where.is_unix()) return asio::local::stream_protocol::endpoint{where.path};
    return asio::ip::tcp::endpoint{asio::ip::make_address(where.host), where.port};
}

/// Connects, writes, reads to the end; one step after the other on `context`.
class exchange : public std::enable_shared_from_this<exchange> {
public:
    exchange(asio::io_context& context, std::string request) : socket_{context}, request_{std::move(request)} {}

    void start(generic::endpoint const& to) {
        socket_.async_connect(to, [self = shared_from_this()](error_code error) {
            if (error) return self->end(error);
            self->write();
        });
    }
    [[nodiscard]] error_code error() const noexcept { return error_; }
    [[nodiscard]] bool done() const noexcept { return done_; }
    [[nodiscard]] std::string const& answer() const noexcept { return answer_; }

private:
    void write() {
        asio::async_write(socket_, asio::buffer(request_), [self = shared_from_this()](error_code error, std::size_t) {
            if (error) return self->end(error);
            self->read();
        });
    }
    void read() {
        socket_.async_read_some(asio::buffer(piece_), [self = shared_from_this()](error_code error, std::size_t bytes) {
            self->answer_.append(self->piece_.data(), bytes);
            if (error == asio::error::eof) return self->end({});
            if (error || self->answer_.size() > answer_bytes_max) return self->end(error ? error : from_errno(EPROTO));
            self->read();
        });
    }
    void end(error_code error) noexcept {
        error_ = error;
        done_ = true;
    }

    generic::socket socket_;
    std::string request_;
    std::string answer_;
    std::array<char, 16384> piece_{};
    error_code error_;
    bool done_ = false;
};

std::string request_text(address const& from, std::string const& path, std::string const& token) {
    auto const url = from.url();
    auto const authority = from.is_unix() ? std::string{"localhost"} : url.substr(7, url.size() - 8);
    auto text = "GET " + path + " HTTP/1.1\r\nHost: " + authority + "\r\nConnection: close\r\n";
    if (!token.empty()) text += "Authorization: Bearer " + token + "\r\n";
    return text + "\r\n";
}

}  // namespace

result<received_response> get(address const& from, std::string const& path, std::string const& token,
                              std::chrono::milliseconds patience) {
    asio::io_context context{1};
    auto const talk = std::make_shared<exchange>(context, request_text(from, path, token));
    talk->start(endpoint_of(from));
    context.run_for(patience);
    if (!talk->done()) return failure{from_errno(ETIMEDOUT)};
    if (talk->error()) return failure{talk->error()};
    auto answer = parse_response(talk->answer());
    if (!answer) return failure{from_errno(EPROTO)};
    return std::move(*answer);
}

}  // namespace submitit::http
