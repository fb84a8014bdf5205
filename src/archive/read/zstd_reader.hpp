// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "archive/read/entry_sink.hpp"
#include "archive/read/input_file.hpp"
#include "archive/read/session.hpp"
#include "base/result.hpp"

namespace submitit::archive::reader {

/// Decodes every zstd frame of the file into `content`: libzstd checks the frames, this checks that they fill the file
/// and that a seek table, if there is one, agrees with each. Sets report.proof. Fails: what reading fails with; damage
/// is a finding. Source: RFC 8878; zstd_seekable_compression_format.md.
[[nodiscard]] result<> read_zstd(session& run, input_file& file, byte_sink& content);

}  // namespace submitit::archive::reader
