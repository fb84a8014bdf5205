// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "http/address.hpp"
#include "http/message.hpp"

namespace submitit::http {

/// 0, or the status to refuse with. A web page whose name was made to resolve to this machine still says its own name in Host,
/// so loopback answers to loopback's names with the right port only (421). None, several, or another one than an absolute target
/// names is no request (400). A socket file no page can reach, and elsewhere the token decides: there any one Host will do.
///
/// Source: RFC 9112, 3.2; CVE-2018-5702.
[[nodiscard]] int refusal_by_host(request const& said, address const& where);

/// What follows the authority of an absolute target, or the target; without its query.
[[nodiscard]] std::string_view path_of(std::string_view target);

/// Whether `origin` is the page this endpoint served itself.
[[nodiscard]] bool is_own_origin(std::string_view origin, request const& said);

}  // namespace submitit::http
