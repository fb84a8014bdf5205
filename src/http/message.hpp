// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace submitit::http {

inline constexpr std::size_t header_bytes_max = 4096;
inline constexpr std::size_t body_bytes_max = 4096;

/// What is looked at of a request.
struct request {
    std::string method;
    std::string target;
    std::vector<std::string> hosts;  ///< one per Host field
    std::vector<std::string> authorizations;
    std::string accept;
    std::string content_type;
    std::optional<std::string> origin;
    std::string body;
    bool keep_alive = false;
};

/// What stands at the front of the bytes that came.
struct parsed_request {
    bool complete = false;
    int refusal = 0;        ///< the status that says why it is none; the connection is of no more use
    std::size_t bytes = 0;  ///< it took
    request said;
};

/// Never more than header_bytes_max and body_bytes_max are waited for. Bodies come with their length: a chunked one is refused
/// (411), one in two framings is no request (400), and a GET or HEAD has none (413).
[[nodiscard]] parsed_request parse_request(std::string_view received);

struct response {
    int status = 200;
    std::string type = "text/plain; charset=utf-8";
    std::string body;
    std::vector<std::pair<std::string, std::string>> fields;
    bool keep_alive = true;
    bool is_stream = false;  ///< of no known length; ends with the connection
};

/// As it goes over the wire, with the fields that every answer carries.
[[nodiscard]] std::string to_text(response const& answer, bool head_only);

/// "404 Not Found" with a JSON object that says it in a sentence.
[[nodiscard]] response refusal(int status, std::string_view sentence);

/// A whole answer as a client reads it: its end is the connection's end or its Content-Length.
struct received_response {
    int status = 0;
    std::string body;
};
/// Nothing where `bytes` are no answer.
[[nodiscard]] std::optional<received_response> parse_response(std::string_view bytes);

}  // namespace submitit::http
