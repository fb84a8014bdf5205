// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/object.hpp>

#include "status/snapshot.hpp"

namespace submitit::http {

/// What the "schema" member says; a field more does not change it.
inline constexpr char const* status_schema = "submitit-io/status/1";

/// `/status`, as status.schema.json describes it: the members of status::snapshot under their names. Numbers that are none
/// become 0, text that is not UTF-8 is escaped for display.
[[nodiscard]] boost::json::object to_json(status::snapshot const& now);

/// The same backwards. What is missing or of another type stays as a new snapshot has it, and what is unknown is passed over: an
/// endpoint may be older or newer than its reader.
[[nodiscard]] status::snapshot from_json(boost::json::object const& from);

/// As it stands in the JSON: "budget_wait".
[[nodiscard]] char const* name_of(status::stage stage) noexcept;
[[nodiscard]] char const* name_of(status::bound bound) noexcept;
[[nodiscard]] char const* name_of(status::job_state state) noexcept;

}  // namespace submitit::http
