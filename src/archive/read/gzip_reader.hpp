// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "archive/read/entry_sink.hpp"
#include "archive/read/input_file.hpp"
#include "archive/read/session.hpp"
#include "base/result.hpp"

namespace submitit::archive::reader {

/// Decodes every gzip member of the file into `content` and checks CRC-32 and length of each. Anything behind the last
/// member, zeros too, is a problem. Sets report.proof. Fails: what reading fails with; damage is a finding.
/// Source: RFC 1952.
[[nodiscard]] result<> read_gzip(session& run, input_file& file, byte_sink& content);

}  // namespace submitit::archive::reader
