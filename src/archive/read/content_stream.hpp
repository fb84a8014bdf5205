// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include "archive/read/entry_sink.hpp"
#include "archive/read/session.hpp"
#include "archive/read/tar_parser.hpp"

namespace submitit::archive::reader {

/// What a compressed stream decodes to: a tar, told by its first block or by the archive's name, or else one file
/// called `plain_name`.
class content_stream final : public byte_sink {
public:
    content_stream(session& run, entry_sink& sink, bool named_tar, std::string plain_name)
        : run_{run}, sink_{sink}, named_tar_{named_tar}, plain_name_{std::move(plain_name)} {}

    void feed(std::span<std::byte const> bytes) override;
    void finish() override;

    /// Settles what the stream is, even when fewer bytes came than it takes to tell.
    [[nodiscard]] bool is_tar();

private:
    void decide();
    void pass(std::span<std::byte const> bytes);

    session& run_;
    entry_sink& sink_;
    bool named_tar_;
    std::string plain_name_;
    std::array<std::byte, tar_block_bytes> head_{};
    std::size_t head_filled_ = 0;
    bool decided_ = false;
    std::optional<tar_parser> tar_;
};

/// The base name of `path` without its last suffix, and whether what it names is a tar: ".tar.xx" or ".txx".
struct archive_name {
    std::string stem;
    bool names_tar = false;
};
[[nodiscard]] archive_name split_archive_name(std::string const& path);

}  // namespace submitit::archive::reader
