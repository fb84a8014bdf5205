// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

// page/index.html as tools/gen_page compiles it in.
namespace submitit::http {

[[nodiscard]] std::string_view page_html() noexcept;

/// Lets in the page's own script and style by their hashes, requests to where it came from, and nothing else.
[[nodiscard]] std::string_view page_policy() noexcept;

}  // namespace submitit::http
