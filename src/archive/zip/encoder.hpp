// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "archive/attributes.hpp"
#include "archive/encoder.hpp"

namespace submitit::archive::zip {

struct encoder_options {
    attribute_options attributes;
    int level = 6;       ///< 1..9
    bool store = false;  ///< entries that fit a ticket are stored, whatever they hold
    bool reproducible = false;
    std::size_t slab_bytes = 0;  ///< of the slabs it will be given; its scratch memory is as large
};

/// Ticket -> local headers and data in the slab, central records behind them. Entries of a batch know their sizes and CRC,
/// so their local headers are final. A segment's payload is its data alone; the container writes its header.
[[nodiscard]] std::unique_ptr<encoder> make_encoder(encoder_options const& options);

/// Bytes an entry of `size` bytes of content takes in a ticket: data, local header and central record.
[[nodiscard]] std::uint64_t entry_bytes(walk::entry const& entry, std::uint64_t size) noexcept;

}  // namespace submitit::archive::zip
