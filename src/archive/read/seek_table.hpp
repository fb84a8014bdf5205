// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "archive/read/input_file.hpp"
#include "base/result.hpp"

namespace submitit::archive::reader {

/// The seek table at the end of a zstd file, read entry by entry beside the frames it describes, so that its length does
/// not matter. Source: zstd_seekable_compression_format.md.
class seek_table {
public:
    struct entry {
        std::uint32_t compressed_bytes = 0;
        std::uint32_t content_bytes = 0;
        std::uint32_t hash = 0;  ///< low half of XXH64, when has_hashes()
    };

    /// Whether the file ends in a seek table's footer, and what is wrong with the table if so.
    struct found {
        bool present = false;
        std::string why;  ///< not empty: a footer, but no sound table in front of it
        std::uint64_t start = 0;
        std::uint64_t frames = 0;
        bool has_hashes = false;
    };
    [[nodiscard]] static result<found> find(input_window& window, std::uint64_t file_bytes);

    seek_table(input_file& file, found const& where) : window_{file}, where_{where} {}

    /// The entry of the next frame; nothing behind the last.
    [[nodiscard]] result<std::optional<entry>> next();
    [[nodiscard]] std::uint64_t left() const noexcept { return where_.frames - done_; }
    [[nodiscard]] bool has_hashes() const noexcept { return where_.has_hashes; }

private:
    input_window window_;
    found where_;
    std::uint64_t done_ = 0;
};

}  // namespace submitit::archive::reader
