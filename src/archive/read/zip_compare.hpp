// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "archive/read/session.hpp"
#include "archive/read/zip_records.hpp"

namespace submitit::archive::reader {

/// Reports where the local header of an entry says something else than the directory. Readers that stream see one,
/// readers that seek the other: they must not extract different things (RELIABILITY: "parser differential").
void compare_zip_headers(session& run, zip_central const& central, zip_local const& local);

}  // namespace submitit::archive::reader
