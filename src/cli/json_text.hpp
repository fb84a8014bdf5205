// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include <boost/json/object.hpp>

namespace submitit::cli {

/// Sets object[key] to `name`; one that is not UTF-8 is escaped for display there, and stands in key_base64 byte for byte.
void put_name(boost::json::object& object, std::string_view key, std::string_view name);

}  // namespace submitit::cli
