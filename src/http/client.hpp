// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>

#include "base/result.hpp"
#include "http/address.hpp"
#include "http/message.hpp"

namespace submitit::http {

/// Asks an endpoint for `path` and waits for the whole answer, at most `patience`. `token` may be empty.
///
/// Fails:  the system's errors (ECONNREFUSED, ENOENT, ETIMEDOUT), EPROTO where the answer is none.
[[nodiscard]] result<received_response> get(address const& from, std::string const& path, std::string const& token,
                                            std::chrono::milliseconds patience);

}  // namespace submitit::http
