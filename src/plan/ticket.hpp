// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/unique_fd.hpp"
#include "walk/entry.hpp"
#include "walk/notice.hpp"

namespace submitit::plan {

/// A regular file too large for one ticket, shared by its segments.
struct large_file {
    walk::entry entry;
    unique_fd fd;  ///< open for all segments, or empty: then each opens it again and checks identity
    std::uint64_t declared_bytes = 0;        ///< min(size at the walk, size at open): what the archive promises
    bool store = false;                      ///< its content is compressed already (zip method 0)
    std::uint64_t first_seq = 0;             ///< ticket of its first segment
    std::optional<std::uint32_t> known_crc;  ///< of all of it: then its header is complete from the start
};

enum class ticket_kind : std::uint8_t {
    batch,    ///< whole small entries
    segment,  ///< one piece of a large file; the first one carries the header
    trailer,  ///< what the container ends with (tar: zero blocks)
};

/// The unit of work and of admission: consecutive archive input. Its borders depend on the input only.
struct ticket {
    std::uint64_t seq = 0;
    ticket_kind kind = ticket_kind::batch;
    std::vector<walk::entry> entries;   ///< batch
    std::uint32_t roots = 0;            ///< batch: source directories its entries keep open, at most
    std::shared_ptr<large_file> large;  ///< segment
    std::uint64_t offset = 0;           ///< segment: in the file
    std::uint64_t bytes = 0;            ///< segment: of the file; batch: archive input, at most the ticket size
    bool last_segment = false;
    std::vector<walk::notice> notices;  ///< of the walk, in its order
    /// Newest earlier ticket holding the first name of a hard link in here; it and all before it must be sealed before
    /// this is encoded.
    std::optional<std::uint64_t> needs_sealed;

    [[nodiscard]] bool first_segment() const noexcept { return kind == ticket_kind::segment && offset == 0; }
};

}  // namespace submitit::plan
