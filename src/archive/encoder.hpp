// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "io/backend.hpp"
#include "plan/hard_links.hpp"
#include "plan/ticket.hpp"
#include "walk/notice.hpp"

namespace submitit::archive {

/// One file's content (or one segment of it) as it was read into the ticket's slab.
struct content {
    io::read_op op;         ///< op.data lies in the slab; op.got bytes are valid
    bool left_out = false;  ///< nothing of it goes into the archive (batch), or the read failed (segment)
    bool changed = false;   ///< modified while it was read, and still so after the retries
    std::uint8_t attempts = 0;
    std::uint64_t planned_bytes = 0;  ///< room in the slab
    walk::entry* entry = nullptr;     ///< what it belongs to, in the ticket
    walk::notice_kind verdict{};      ///< with left_out or changed: why
    /// Of the bytes read, or of those that were not read because only their checksum and size are wanted. Empty: not computed.
    std::optional<std::uint32_t> crc;
};

/// What a ticket became. The spans lie in its slab and are valid until that is given back.
struct encoded {
    std::span<std::byte const> payload;    ///< archive bytes
    std::span<std::byte const> directory;  ///< zip: central directory records, offsets relative to the payload
    std::uint64_t raw_bytes = 0;           ///< tar formats: bytes of the tar stream in the payload
    std::uint32_t crc = 0;                 ///< tar.gz: of those; zip segment: of the file's bytes
    bool left_out = false;                 ///< a first segment that could not be read: the whole file stays out
    bool damaged = false;                  ///< a segment whose missing bytes are zeros
    bool changed = false;                  ///< a segment whose file was modified while it was read
    std::vector<walk::notice> notices;     ///< in entry order
    std::uint64_t files = 0;               ///< entries in the payload, by kind
    std::uint64_t directories = 0;
    std::uint64_t links = 0;
    std::uint64_t others = 0;
    std::uint64_t content_bytes = 0;   ///< of regular files
    std::vector<walk::entry> orphans;  ///< links that were not written, as the first name was not; as ordinary files
};

/// The worker's half of a container: lays a ticket out in its slab, then turns what was read into archive bytes. One
/// per worker, nothing kept between tickets: the bytes depend on the ticket alone.
class encoder {
public:
    encoder() = default;
    encoder(encoder const&) = delete;
    encoder& operator=(encoder const&) = delete;
    virtual ~encoder() = default;

    /// Sets data, bytes and offset of one content for each regular file of a batch (in entry order), or of the segment.
    virtual void layout(plan::ticket const& ticket, std::span<std::byte> slab, std::vector<content>& contents) = 0;

    /// `contents` as layout() made them, now read. First names that failed are told to `outcomes`.
    [[nodiscard]] virtual encoded encode(plan::ticket& ticket, std::span<std::byte> slab,
                                         std::span<content const> contents, plan::link_outcomes& outcomes) = 0;
};

}  // namespace submitit::archive
