// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "archive/read/entry_sink.hpp"
#include "archive/read/input_file.hpp"
#include "archive/read/session.hpp"
#include "base/result.hpp"

namespace submitit::archive::reader {

/// Proves a zip against its own directory: every entry's local header, data and descriptor, that no two entries share
/// bytes, and that entries, directory and end records fill the file. Bytes that belong to nothing (foreign archives may
/// have them between or before entries) are a note. Sets report.proof.
///
/// Memory: two windows of 256 KiB, an output buffer and the decoder's; the directory streams by.
/// Fails: what reading fails with; damage is a finding. Source: APPNOTE 6.3.
[[nodiscard]] result<> read_zip(session& run, input_file& file, entry_sink& sink);

}  // namespace submitit::archive::reader
