// SPDX-License-Identifier: Apache-2.0
#include "archive/tar/encoder.hpp"

#include <algorithm>
#include <cstring>

#include "archive/tar/header.hpp"
#include "base/check.hpp"
#include "base/errc.hpp"
#include "codec/crc32.hpp"

namespace submitit::archive::tar {
namespace {

constexpr std::int64_t plain_seconds_max = (std::int64_t{1} << 33U) - 1;  // 11 octal digits

bool has_content(walk::entry const& entry) noexcept { return entry.kind == walk::entry_kind::file; }

class stream_encoder final : public encoder {
public:
    stream_encoder(attribute_options options, std::unique_ptr<compressor> with, bool checksum)
        : options_{std::move(options)}, compressor_{std::move(with)}, checksum_{checksum} {}

    void layout(plan::ticket const& ticket, std::span<std::byte> slab, std::vector<content>& contents) override;
    [[nodiscard]] encoded encode(plan::ticket& ticket, std::span<std::byte> slab, std::span<content const> contents,
                                 plan::link_outcomes& outcomes) override;

private:
    void encode_batch(plan::ticket& ticket, std::span<std::byte> slab, std::span<content const> contents,
                      plan::link_outcomes& outcomes, encoded& done);
    void encode_segment(plan::ticket const& ticket, std::span<std::byte> slab, content const& read,
                        plan::link_outcomes& outcomes, encoded& done);
    std::size_t put_file(walk::entry const& entry, content const& read, std::span<std::byte> slab, std::size_t at);

    attribute_options options_;
    std::unique_ptr<compressor> compressor_;
    bool checksum_;
};

/// Content is read where the tar stream wants it, behind the space its header will take.
void stream_encoder::layout(plan::ticket const& ticket, std::span<std::byte> slab, std::vector<content>& contents) {
    std::size_t at = 0;
    auto const place = [&](walk::entry const& entry, std::uint64_t offset, std::uint64_t bytes) {
        SUBMITIT_CHECK(at + padded(bytes) <= slab.size());
        content read;
        read.op.root_fd = entry.root->fd.get();
        read.op.path = entry.path();
        read.op.follow_links = entry.follow_links;
        read.op.data = slab.data() + at;
        read.op.offset = offset;
        read.op.bytes = bytes;
        contents.push_back(read);
        at += static_cast<std::size_t>(padded(bytes));
    };
    if (ticket.kind == plan::ticket_kind::segment) {
        auto const& large = *ticket.large;
        if (ticket.first_segment()) at = header_bytes(large.entry, large.declared_bytes, options_);
        place(large.entry, ticket.offset, ticket.bytes);
        contents.back().op.fd = large.fd.get();
        return;
    }
    for (auto const& entry : ticket.entries) {
        auto const size = has_content(entry) ? entry.stat.size : 0;
        at += header_bytes(entry, size, options_);
        if (has_content(entry)) place(entry, 0, size);
    }
}

encoded stream_encoder::encode(plan::ticket& ticket, std::span<std::byte> slab, std::span<content const> contents,
                               plan::link_outcomes& outcomes) {
    encoded done;
    switch (ticket.kind) {
        case plan::ticket_kind::batch: encode_batch(ticket, slab, contents, outcomes, done); break;
        case plan::ticket_kind::segment: encode_segment(ticket, slab, contents.front(), outcomes, done); break;
        case plan::ticket_kind::trailer:  // POSIX: two blocks of zeros
            done.raw_bytes = 2 * block_bytes;
            std::memset(slab.data(), 0, 2 * block_bytes);
            break;
    }
    if (done.raw_bytes == 0) return done;
    auto const raw = slab.first(static_cast<std::size_t>(done.raw_bytes));
    if (checksum_) done.crc = codec::crc32(0, raw);
    auto payload_bytes = raw.size();
    if (compressor_) {
        payload_bytes = compressor_->compress(slab, raw.size());
        SUBMITIT_CHECK(payload_bytes != 0);
    }
    done.payload = slab.first(payload_bytes);
    return done;
}

/// Headers go in front of the contents; where something stayed out or shrank, what follows moves down.
void stream_encoder::encode_batch(plan::ticket& ticket, std::span<std::byte> slab, std::span<content const> contents,
                                  plan::link_outcomes& outcomes, encoded& done) {
    std::size_t at = 0;
    std::size_t next_content = 0;
    for (auto& entry : ticket.entries) {
        plan::inode_key const inode{entry.stat.dev, entry.stat.ino};
        switch (entry.kind) {
            case walk::entry_kind::file: {
                auto const& read = contents[next_content++];
                if (read.left_out) {
                    if (entry.stat.nlink > 1) outcomes.first_failed(inode);
                    break;
                }
                at = put_file(entry, read, slab, at);
                ++done.files;
                done.content_bytes += read.op.got;
                break;
            }
            case walk::entry_kind::hard_link:
                if (outcomes.has_failed(inode)) {
                    entry.kind = walk::entry_kind::file;  // only a file's content can fail
                    entry.link_target.clear();
                    done.orphans.push_back(std::move(entry));
                    break;
                }
                [[fallthrough]];
            default:
                at += write_header(entry, 0, options_, slab.subspan(at));
                if (entry.kind == walk::entry_kind::directory) {
                    ++done.directories;
                } else if (entry.kind == walk::entry_kind::symlink || entry.kind == walk::entry_kind::hard_link) {
                    ++done.links;
                } else {
                    ++done.others;
                }
        }
    }
    done.raw_bytes = at;
}

std::size_t stream_encoder::put_file(walk::entry const& entry, content const& read, std::span<std::byte> slab,
                                     std::size_t at) {
    auto const got = static_cast<std::size_t>(read.op.got);
    auto const data_at = static_cast<std::size_t>(read.op.data - slab.data());
    auto header = header_bytes(entry, got, options_);
    auto const* shown = &entry;
    walk::entry plain;
    if (at + header > data_at) {  // it changed and now needs a pax header that was not planned: whole seconds fit
        plain = entry;
        plain.stat.mtime.nanoseconds = 0;
        plain.stat.mtime.seconds = std::clamp<std::int64_t>(plain.stat.mtime.seconds, 0, plain_seconds_max);
        shown = &plain;
        header = header_bytes(plain, got, options_);
        SUBMITIT_CHECK(at + header <= data_at);
    }
    if (at + header != data_at) std::memmove(slab.data() + at + header, slab.data() + data_at, got);
    write_header(*shown, got, options_, slab.subspan(at, header));
    at += header + got;
    auto const padding = static_cast<std::size_t>(padded(got)) - got;
    std::memset(slab.data() + at, 0, padding);
    return at + padding;
}

/// The declared size holds: bytes that are missing are zeros, and the entry counts as damaged.
void stream_encoder::encode_segment(plan::ticket const& ticket, std::span<std::byte> slab, content const& read,
                                    plan::link_outcomes& outcomes, encoded& done) {
    auto const& large = *ticket.large;
    if (ticket.first_segment() && read.left_out) {
        if (large.entry.stat.nlink > 1) outcomes.first_failed({large.entry.stat.dev, large.entry.stat.ino});
        done.left_out = true;
        return;
    }
    std::size_t at = 0;
    if (ticket.first_segment()) {
        at = write_header(large.entry, large.declared_bytes, options_, slab);
        ++done.files;
    }
    auto const got = read.left_out ? 0 : read.op.got;
    auto const end = at + static_cast<std::size_t>(padded(ticket.bytes));
    std::memset(slab.data() + at + got, 0, end - at - static_cast<std::size_t>(got));
    done.damaged = got < ticket.bytes;
    done.content_bytes = ticket.bytes;
    done.raw_bytes = end;
}

}  // namespace

std::unique_ptr<encoder> make_encoder(attribute_options const& options, std::unique_ptr<compressor> with,
                                      bool checksum) {
    return std::make_unique<stream_encoder>(options, std::move(with), checksum);
}

}  // namespace submitit::archive::tar
