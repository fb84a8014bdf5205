// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "archive/read/digest.hpp"
#include "archive/read/entry_sink.hpp"
#include "archive/read/inflate_stream.hpp"
#include "archive/read/input_file.hpp"
#include "archive/read/session.hpp"
#include "archive/read/zip_records.hpp"
#include "archive/read/zstd_decoder.hpp"
#include "base/result.hpp"

namespace submitit::archive::reader {

/// Decodes the data of zip entries: stored, deflate and zstd. Stops at the declared size: an entry that holds more is
/// damaged or a bomb, and not a byte more of it is decoded than one output buffer.
class zip_content {
public:
    zip_content(session& run, input_window& window, entry_sink& sink) : run_{run}, window_{window}, sink_{sink} {}

    /// Whether the data at `offset` (entry.compressed_bytes long, inside the file) is the content the directory
    /// describes: same length, same CRC-32, every compressed byte used. Says what is wrong otherwise.
    [[nodiscard]] result<verdict> prove(zip_central const& entry, std::uint64_t offset);

private:
    [[nodiscard]] result<verdict> prove_stored(zip_central const& entry, std::uint64_t offset);
    [[nodiscard]] result<verdict> prove_deflated(zip_central const& entry, std::uint64_t offset);
    [[nodiscard]] result<verdict> prove_zstd(zip_central const& entry, std::uint64_t offset);
    [[nodiscard]] verdict take(zip_central const& entry, std::span<std::byte const> bytes);
    verdict damaged(zip_central const& entry, std::string message);

    session& run_;
    input_window& window_;
    entry_sink& sink_;
    digest digest_;
    inflate_stream inflate_;
    std::optional<zstd_decoder> zstd_;  // made by the first entry that needs it
};

}  // namespace submitit::archive::reader
