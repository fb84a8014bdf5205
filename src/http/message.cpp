// SPDX-License-Identifier: Apache-2.0
// The only file that knows Boost.Beast: it takes long to compile, and its parser and tables are all that is needed.
#include "http/message.hpp"

#include <algorithm>
#include <cctype>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/status.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace submitit::http {

namespace beast_http = boost::beast::http;

namespace {

constexpr std::string_view header_end = "\r\n\r\n";

using header_parser = beast_http::request_parser<beast_http::empty_body>;

int refusal_of(boost::system::error_code error) {
    if (error == beast_http::error::header_limit) return 431;
    if (error == beast_http::error::bad_version) return 505;
    if (error == beast_http::error::body_limit) return 413;
    return 400;
}

std::vector<std::string> all_of(header_parser const& parser, beast_http::field name) {
    std::vector<std::string> values;
    auto const [first, last] = parser.get().equal_range(name);
    for (auto one = first; one != last; ++one) values.emplace_back(one->value());
    return values;
}

std::optional<std::string> first_of(header_parser const& parser, beast_http::field name) {
    auto values = all_of(parser, name);
    if (values.empty()) return std::nullopt;
    return std::move(values.front());
}

request said_by(header_parser const& parser) {
    using beast_http::field;
    auto const& header = parser.get();
    request said;
    said.method = std::string{header.method_string()};
    said.target = std::string{header.target()};
    said.hosts = all_of(parser, field::host);
    said.authorizations = all_of(parser, field::authorization);
    said.content_type = first_of(parser, field::content_type).value_or("");
    said.origin = first_of(parser, field::origin);
    said.keep_alive = header.keep_alive();
    for (auto const& one : all_of(parser, field::accept)) said.accept += (said.accept.empty() ? "" : ",") + one;
    return said;
}

/// What may be asked before the whole header is there: one line of it is enough to know that it is no HTTP.
bool is_hopeless(std::string_view received) {
    return received.find('\0') != std::string_view::npos ||
           (!received.empty() && std::isupper(static_cast<unsigned char>(received.front())) == 0 &&
            received.front() != '\r' && received.front() != '\n');
}

/// The length of the body after the header, or why it is not wanted.
std::size_t body_length(header_parser const& parser, request const& said, int& refusal) {
    if (parser.get().count(beast_http::field::transfer_encoding) != 0) {
        refusal = 411;
        return 0;
    }
    auto const length = parser.content_length().value_or(0);
    bool const wants_none = said.method == "GET" || said.method == "HEAD";
    if (length > (wants_none ? 0 : body_bytes_max)) refusal = 413;
    return refusal == 0 ? static_cast<std::size_t>(length) : 0;
}

}  // namespace

parsed_request parse_request(std::string_view received) {
    parsed_request made;
    auto const end = received.substr(0, header_bytes_max).find(header_end);
    if (end == std::string_view::npos) {
        if (received.size() >= header_bytes_max) made.refusal = 431;
        else if (is_hopeless(received)) made.refusal = 400;
        return made;
    }
    auto const header_bytes = end + header_end.size();
    header_parser parser;
    parser.header_limit(header_bytes_max);
    boost::system::error_code error;
    parser.put(boost::asio::buffer(received.data(), header_bytes), error);
    if ((error && error != beast_http::error::unexpected_body) || !parser.is_header_done()) {
        made.refusal = error ? refusal_of(error) : 400;
        return made;
    }
    made.said = said_by(parser);
    auto const length = body_length(parser, made.said, made.refusal);
    if (made.refusal != 0 || received.size() - header_bytes < length) return made;
    made.complete = true;
    made.bytes = header_bytes + length;
    made.said.body = received.substr(header_bytes, length);
    return made;
}

std::string to_text(response const& answer, bool head_only) {
    std::vector<std::pair<std::string_view, std::string_view>> fields{
        {"Server", "submitit-io"},
        {"Content-Type", answer.type},
        {"Cache-Control", "no-store"},
        {"X-Content-Type-Options", "nosniff"},
        {"Referrer-Policy", "no-referrer"},
        {"Cross-Origin-Resource-Policy", "same-origin"},
        {"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"},
    };
    for (auto const& [name, value] : answer.fields) {
        auto const same = std::find_if(fields.begin(), fields.end(),
                                       [&wanted = name](auto const& one) { return one.first == wanted; });
        if (same != fields.end()) same->second = value;
        else fields.emplace_back(name, value);
    }
    auto const length = std::to_string(answer.body.size());
    if (!answer.is_stream) fields.emplace_back("Content-Length", length);
    if (!answer.keep_alive || answer.is_stream) fields.emplace_back("Connection", "close");
    auto const status = static_cast<beast_http::status>(answer.status);
    std::string text;
    text.reserve(header_bytes_max + (head_only ? 0 : answer.body.size()));
    text.append("HTTP/1.1 ").append(std::to_string(answer.status)).append(" ");
    text.append(std::string_view{beast_http::obsolete_reason(status)}).append("\r\n");
    for (auto const& [name, value] : fields) text.append(name).append(": ").append(value).append("\r\n");
    text.append("\r\n");
    if (!head_only) text.append(answer.body);
    return text;
}

response refusal(int status, std::string_view sentence) {
    boost::json::object body;
    body["status"] = status;
    body["error"] = sentence;
    response answer;
    answer.status = status;
    answer.type = "application/json";
    answer.body = boost::json::serialize(body) + '\n';
    return answer;
}

std::optional<received_response> parse_response(std::string_view bytes) {
    beast_http::response_parser<beast_http::string_body> parser;
    parser.header_limit(header_bytes_max);
    parser.body_limit(std::uint64_t{64} << 20U);
    parser.eager(true);
    boost::system::error_code error;
    while (!bytes.empty() && !parser.is_done()) {
        auto const used = parser.put(boost::asio::buffer(bytes.data(), bytes.size()), error);
        if (error || used == 0) break;
        bytes.remove_prefix(used);
    }
    if (!parser.is_header_done() || (error && error != beast_http::error::need_more)) return std::nullopt;
    boost::system::error_code cut;
    if (!parser.is_done()) parser.put_eof(cut);
    if (cut) return std::nullopt;
    received_response made;
    made.status = static_cast<int>(parser.get().result_int());
    made.body = std::move(parser.get().body());
    return made;
}

}  // namespace submitit::http
