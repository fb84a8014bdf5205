// SPDX-License-Identifier: Apache-2.0
#include "pipeline/content_watch.hpp"

#include "codec/crc32.hpp"

namespace submitit::pipeline {

bool content_watch::take(flight const& assembled) {
    digest_.add_value(assembled.ticket.seq);
    if (assembled.ticket.kind == plan::ticket_kind::segment) return take_segment(assembled);
    digest_.add(assembled.done.directory);  // names, attributes, sizes and checksums of all its entries
    digest_.add_value(std::uint64_t{assembled.done.payload.size()});
    return true;
}

bool content_watch::take_segment(flight const& assembled) {
    auto const& ticket = assembled.ticket;
    auto const& large = *ticket.large;
    auto const& stat = large.entry.stat;
    if (ticket.first_segment()) {
        large_crc_ = 0;
        large_fails_ = false;
        digest_.add(std::as_bytes(std::span{large.entry.name}));
        for (auto const part : {std::uint64_t{stat.mode}, std::uint64_t{stat.uid}, std::uint64_t{stat.gid},
                                static_cast<std::uint64_t>(stat.mtime.seconds), std::uint64_t{stat.mtime.nanoseconds},
                                large.declared_bytes})
            digest_.add_value(part);
    }
    auto const& done = assembled.done;
    large_crc_ = codec::combine_crc32(large_crc_, done.crc, done.content_bytes);
    large_fails_ = large_fails_ || done.left_out || done.damaged || done.changed;
    if (!ticket.last_segment) return true;
    bool const skipped = assembled.contents.front().crc.has_value();
    if (!skipped && !large_fails_ && known_) known_->put(stat, large_crc_);
    bool const as_promised = !large.known_crc || skipped || (!large_fails_ && *large.known_crc == large_crc_);
    digest_.add_value(large.known_crc && skipped ? *large.known_crc : large_crc_);
    digest_.add_value(static_cast<std::uint8_t>(large_fails_ ? 1 : 0));
    return as_promised;
}

}  // namespace submitit::pipeline
