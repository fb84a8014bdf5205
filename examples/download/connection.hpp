// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "download/archive_request.hpp"
#include "download/byte_range.hpp"
#include "download/client_stream.hpp"
#include "download/http_message.hpp"
#include "download/service.hpp"
#include "submitit/export_job.hpp"

namespace download {

/// One client: its requests one after the other, each answered by an export that it reads as fast as it likes.
///
/// Threads: run on the socket's executor, a strand; stop() from anywhere.
/// Alive:   `shared` outlives it.
class connection : public std::enable_shared_from_this<connection> {
public:
    connection(asio::ip::tcp::socket socket, service& shared)
        : client_{std::make_shared<client_stream>(std::move(socket), shared.limits)}, shared_{&shared} {}

    [[nodiscard]] asio::any_io_executor get_executor() { return client_->get_executor(); }

    /// Ends when the connection has.
    [[nodiscard]] asio::awaitable<void> serve();
    /// Says 503 without having read anything.
    [[nodiscard]] asio::awaitable<void> turn_away();
    /// Ends the export and the connection now.
    void stop();

private:
    /// What is sent of which zip.
    struct stored_part {
        submitit::archive_measure whole;
        byte_range range;
    };

    // Arguments live until the coroutine was awaited: by value g++ 12 would destroy these aggregates twice. Results say whether
    // another request may follow.
    [[nodiscard]] asio::awaitable<parsed_request> receive();
    [[nodiscard]] asio::awaitable<bool> answer(request const& asked);
    [[nodiscard]] asio::awaitable<bool> answer_stream(request const& asked, archive_request const& wanted);
    [[nodiscard]] asio::awaitable<bool> answer_stored(request const& asked, archive_request const& wanted);
    [[nodiscard]] asio::awaitable<bool> send_stored(request const& asked, archive_request const& wanted,
                                                    stored_part const& part, response const& header);
    [[nodiscard]] asio::awaitable<boost::system::error_code> run_out();
    asio::awaitable<bool> say(response const& header);
    asio::awaitable<bool> refuse(unsigned status, request const& asked);
    void report(request const& asked, boost::system::error_code why) const;

    std::shared_ptr<client_stream> client_;
    service* shared_;
    bool first_ = true;                        // no request yet
    std::string received_;                     // not parsed yet; at most header_bytes_max
    std::optional<submitit::export_job> job_;  // the one that runs
};

}  // namespace download
