// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "archive/encoder.hpp"
#include "base/result.hpp"
#include "plan/ticket.hpp"

namespace submitit::archive {

/// Output operations, in this order: cut back, append the pieces, patch. The spans are valid until the next call of the
/// container, or (payloads) until the ticket is given back.
struct output_list {
    std::optional<std::uint64_t> cut_back_to;  ///< seekable output only
    std::vector<std::span<std::byte const>> pieces;
    struct patch {
        std::uint64_t offset = 0;
        std::vector<std::byte> bytes;
    };
    std::optional<patch> overwrite;  ///< seekable output only
    std::vector<walk::notice> notices;
    std::uint64_t withdrawn_files = 0;  ///< counted before, cut back now
    std::uint64_t withdrawn_bytes = 0;  ///< their content

    void clear() {
        cut_back_to.reset();
        pieces.clear();
        overwrite.reset();
        notices.clear();
        withdrawn_files = withdrawn_bytes = 0;
    }
};

/// Records of a large file's segments as they pass the assembler, shared by the containers.
struct segment_state {
    bool dropping = false;  ///< the file was left out; its later segments are ignored
    bool damaged = false;
    bool changed = false;
};

/// The assembler's half of a container: takes encoded tickets in ticket order, knows where the output stands, and says
/// what to write. Pure but for its directory spool. One thread at a time.
class container {
public:
    container() = default;
    container(container const&) = delete;
    container& operator=(container const&) = delete;
    virtual ~container() = default;

    virtual void begin(output_list& out) = 0;
    [[nodiscard]] virtual result<> append(plan::ticket const& ticket, encoded const& done, output_list& out) = 0;
    /// Call until it answers false; each time, `out` holds the next part of the container's end.
    [[nodiscard]] virtual result<bool> finish(output_list& out) = 0;
};

}  // namespace submitit::archive
