// SPDX-License-Identifier: Apache-2.0
// The only file that knows Boost.Beast: it takes long to compile, and its parser and tables are all that is needed here.
#include "download/http_message.hpp"

#include <ctime>
#include <sstream>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/status.hpp>
#include <boost/beast/http/write.hpp>

#include "download/settings.hpp"

namespace download {

namespace http = boost::beast::http;

namespace {

constexpr unsigned http_1_1 = 11;

unsigned refusal_of(boost::system::error_code error) {
    if (error == http::error::header_limit) return 431;
    if (error == http::error::bad_version) return 505;
    return 400;
}

std::string date_now() {
    auto const now = std::time(nullptr);
    std::tm parts{};
    ::gmtime_r(&now, &parts);
    char text[40];
    return {text, std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts)};
}

}  // namespace

parsed_request parse_request(std::string_view received) {
    parsed_request made;
    auto const end = received.find("\r\n\r\n");
    if (end == std::string_view::npos) {
        if (received.size() >= header_bytes_max) made.refusal = 431;
        return made;
    }
    made.complete = true;
    made.bytes = end + 4;
    http::request_parser<http::empty_body> parser;
    parser.header_limit(header_bytes_max);
    boost::system::error_code error;
    parser.put(boost::asio::buffer(received.data(), made.bytes), error);
    if (error || !parser.is_header_done()) {
        made.refusal = refusal_of(error);
        return made;
    }
    auto const& header = parser.get();
    bool const body = parser.chunked() || parser.content_length().value_or(0) != 0;
    made.header.method = std::string{header.method_string()};
    made.header.target = std::string{header.target()};
    made.header.keep_alive = header.keep_alive() && !body;  // nobody reads it, so what follows is not the next request
    made.header.range = std::string{header[http::field::range]};
    made.header.if_range = std::string{header[http::field::if_range]};
    made.header.if_none_match = std::string{header[http::field::if_none_match]};
    if (header.version() != http_1_1) made.refusal = 505;  // the end of a body could not be told from a cut
    else if (made.header.method != "GET" && made.header.method != "HEAD") made.refusal = 405;
    else if (body) made.refusal = 413;
    return made;
}

std::string to_text(response const& header) {
    http::response<http::empty_body> message{static_cast<http::status>(header.status), http_1_1};
    message.set(http::field::date, date_now());
    message.set(http::field::server, "submitit-io");
    for (auto const& [name, value] : header.fields) message.set(name, value);
    message.keep_alive(header.keep_alive);
    std::ostringstream text;
    text << message.base();
    return std::move(text).str();
}

std::string error_text(response header, bool head_only) {
    auto const reason = http::obsolete_reason(static_cast<http::status>(header.status));
    auto const body = std::string{reason} + '\n';
    header.with("Content-Type", "text/plain").with("Content-Length", std::to_string(body.size()));
    return to_text(header) + (head_only ? std::string{} : body);
}

}  // namespace download
