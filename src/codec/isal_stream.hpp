// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <isa-l/igzip_lib.h>

#include <cstddef>
#include <cstdint>

namespace submitit::codec {

/// Memory for one isal_zstream, zeroed, at an address that does not show in the output. Not movable; freed when it goes.
///
/// In ISA-L 2.30 the bodies of levels 1 and 2 (isal_deflate_icf_body_hash_hist_01, _02 and _04) enter the second position
/// of a stream under the hash of a register that still holds the stream's address shifted right by 16, instead of the
/// data's. The output stays valid, but a match near the start is found or missed depending on where the stream lies:
/// other bytes for another worker, and for every run. At addresses that all have one hash it is one entry for all.
class isal_stream {
public:
    /// Throws std::bad_alloc.
    isal_stream();
    ~isal_stream();
    isal_stream(isal_stream const&) = delete;
    isal_stream& operator=(isal_stream const&) = delete;

    [[nodiscard]] isal_zstream& get() const noexcept { return *at_; }

    /// Whether a stream may lie there: its address, shifted right by 16, has the hash (CRC-32C) whose low 15 bits, the
    /// most that level 2 looks at, are zero.
    [[nodiscard]] static bool is_place(std::uintptr_t address) noexcept;

    /// Whole pages.
    static constexpr std::size_t memory_bytes = (sizeof(isal_zstream) + 4095) / 4096 * 4096;

private:
    isal_zstream* at_;
};

}  // namespace submitit::codec
