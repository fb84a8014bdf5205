// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace download {

/// A request header: the fields this server looks at.
struct request {
    std::string method;
    std::string target;  ///< as sent
    bool keep_alive = false;
    std::string range;
    std::string if_range;
    std::string if_none_match;

    [[nodiscard]] bool head_only() const noexcept { return method == "HEAD"; }
};

/// What stands at the front of the bytes received so far.
struct parsed_request {
    bool complete = false;  ///< else more bytes are needed, unless `refusal` says that they will not help
    unsigned refusal = 0;   ///< status that answers what cannot be served; 0: none
    std::size_t bytes = 0;  ///< of the header, once complete
    request header;
};

[[nodiscard]] parsed_request parse_request(std::string_view received);

/// A response header. Date and Server are added.
struct response {
    unsigned status = 200;
    std::vector<std::pair<std::string_view, std::string>> fields;
    bool keep_alive = true;

    response& with(std::string_view name, std::string value) {
        fields.emplace_back(name, std::move(value));
        return *this;
    }
};

[[nodiscard]] std::string to_text(response const& header);

/// A response whose body is its own reason phrase.
[[nodiscard]] std::string error_text(response header, bool head_only);

}  // namespace download
