// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "archive/read/entry_sink.hpp"
#include "archive/read/pax_records.hpp"
#include "archive/read/session.hpp"
#include "archive/read/sparse_data.hpp"
#include "archive/read/tar_header.hpp"

namespace submitit::archive::reader {

/// Proves the structure of a tar stream as it goes by: header checksums, sizes, extended headers, sparse maps, complete
/// data, two zero blocks at the end and nothing but zeros behind them. Reads ustar, pax and GNU tar.
///
/// Memory: some 400 KiB (long names 64 KiB each, one sparse map 2 MiB while it lasts), whatever the stream holds.
/// A header that is no header ends the parse with one problem: what follows cannot be told apart.
/// Source: POSIX.1-2017 pax; GNU tar manual, "Tar Internals".
class tar_parser final : public byte_sink {
public:
    tar_parser(session& run, entry_sink& sink) : run_{run}, sink_{sink} {}

    void feed(std::span<std::byte const> bytes) override;
    void finish() override;

    [[nodiscard]] bool sound() const noexcept { return step_ != step::lost; }

private:
    enum class step { header, sparse_extension, payload, padding, after_end, lost };
    enum class payload { content, sparse_content, ignored, pax, pax_global, long_name, long_link };

    std::size_t gather(std::span<std::byte const> bytes);
    void take_block(tar_block block);
    void take_header(tar_block block);
    void take_zero_block();
    void take_sparse_extension(tar_block block);
    void take_payload(std::span<std::byte const> bytes);
    void take_padding(std::span<std::byte const> bytes);
    void take_after_end(std::span<std::byte const> bytes);

    void start_payload(payload kind, std::uint64_t bytes);
    void end_payload();
    void start_entry(tar_header header, tar_block block);
    bool start_old_sparse(tar_block block);
    void open_entry();
    void lose(std::string message);
    [[nodiscard]] std::string block_start() const;

    session& run_;
    entry_sink& sink_;
    step step_ = step::header;
    payload payload_ = payload::ignored;
    std::uint64_t left_ = 0;      // of the payload
    std::uint64_t padding_ = 0;   // behind it
    std::uint64_t position_ = 0;  // bytes of the stream before the one being looked at
    std::array<std::byte, tar_block_bytes> block_{};
    std::size_t block_filled_ = 0;
    bool one_zero_block_ = false;
    bool headers_pending_ = false;  // an x, L or K that wants its entry

    entry_info entry_;
    std::uint64_t stored_bytes_ = 0;  // of the entry whose sparse extension blocks are being read
    std::uint64_t real_size_ = 0;
    sparse_map old_map_;
    sparse_data sparse_;
    pax_records pax_;
    std::optional<std::string> long_name_;
    std::optional<std::string> long_link_;
};

}  // namespace submitit::archive::reader
