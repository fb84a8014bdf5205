// SPDX-License-Identifier: Apache-2.0
#include "archive/zip/encoder.hpp"

#include <cstring>

#include "archive/zip/records.hpp"
#include "base/check.hpp"
#include "base/display_name.hpp"
#include "codec/compressible.hpp"
#include "codec/crc32.hpp"
#include "codec/deflate.hpp"
#include "memory/slab.hpp"

namespace submitit::archive::zip {
namespace {

/// Local header and central record without names and data: 30 + 46 bytes, twice the time (at most 36) and owner extras (15).
constexpr std::uint64_t records_bytes_max = 30 + 46 + 2 * (36 + 15);

bool has_content(walk::entry const& entry) noexcept { return entry.kind == walk::entry_kind::file; }

class zip_encoder final : public encoder {
public:
    explicit zip_encoder(encoder_options const& options)
        : options_{options},
          clock_{options.reproducible},
          deflate_{options.store ? 1 : options.level, options.reproducible, codec::deflate_use::entry},
          scratch_{options.slab_bytes} {}

    void layout(plan::ticket const& ticket, std::span<std::byte> slab, std::vector<content>& contents) override;
    [[nodiscard]] encoded encode(plan::ticket& ticket, std::span<std::byte> slab, std::span<content const> contents,
                                 plan::link_outcomes& outcomes) override;

private:
    void encode_batch(plan::ticket& ticket, std::span<std::byte> slab, std::span<content const> contents,
                      encoded& done);
    void encode_segment(plan::ticket const& ticket, std::span<std::byte> slab, content const& read, encoded& done);
    void put_member(walk::entry const& entry, std::span<std::byte const> data, std::optional<std::uint32_t> crc);
    void put_central(member const& of, std::size_t header_at);
    static void warn_about_name(walk::entry const& entry, encoded& done);

    encoder_options options_;
    dos_clock clock_;
    codec::deflate_encoder deflate_;
    memory::slab scratch_;
    std::size_t at_ = 0;                // in scratch_, of the batch being encoded
    std::vector<std::byte> directory_;  // its central records
};

void zip_encoder::layout(plan::ticket const& ticket, std::span<std::byte> slab, std::vector<content>& contents) {
    std::size_t at = 0;
    auto const place = [&](walk::entry const& entry, std::uint64_t offset, std::uint64_t bytes) {
        SUBMITIT_CHECK(at + bytes <= slab.size());
        content read;
        read.op.root_fd = entry.root->fd.get();
        read.op.path = entry.path();
        read.op.follow_links = entry.follow_links;
        read.op.data = slab.data() + at;
        read.op.offset = offset;
        read.op.bytes = bytes;
        contents.push_back(read);
        at += static_cast<std::size_t>(bytes);
    };
    if (ticket.kind == plan::ticket_kind::segment) {
        place(ticket.large->entry, ticket.offset, ticket.bytes);
        contents.back().op.fd = ticket.large->fd.get();
        return;
    }
    for (auto const& entry : ticket.entries)
        if (has_content(entry)) place(entry, 0, entry.stat.size);
}

encoded zip_encoder::encode(plan::ticket& ticket, std::span<std::byte> slab, std::span<content const> contents,
                            plan::link_outcomes& /*zip has no hard links*/) {
    encoded done;
    if (ticket.kind == plan::ticket_kind::batch) encode_batch(ticket, slab, contents, done);
    if (ticket.kind == plan::ticket_kind::segment) encode_segment(ticket, slab, contents.front(), done);
    return done;
}

void zip_encoder::encode_batch(plan::ticket& ticket, std::span<std::byte> slab, std::span<content const> contents,
                               encoded& done) {
    at_ = 0;
    directory_.clear();
    std::size_t next_content = 0;
    for (auto const& entry : ticket.entries) {
        std::span<std::byte const> data;
        std::optional<std::uint32_t> crc;
        if (has_content(entry)) {
            auto const& read = contents[next_content++];
            if (read.left_out) continue;
            data = {read.op.data, static_cast<std::size_t>(read.op.got)};
            crc = read.crc;
            ++done.files;
            done.content_bytes += data.size();
        } else if (entry.kind == walk::entry_kind::symlink) {
            data = std::as_bytes(std::span{entry.link_target});
            ++done.links;
        } else {
            ++done.directories;
        }
        warn_about_name(entry, done);
        put_member(entry, data, crc);
    }
    SUBMITIT_CHECK(at_ + directory_.size() <= slab.size());
    std::memcpy(slab.data(), scratch_.bytes().data(), at_);
    if (!directory_.empty()) std::memcpy(slab.data() + at_, directory_.data(), directory_.size());
    done.payload = slab.first(at_);
    done.directory = slab.subspan(at_, directory_.size());
}

/// Deflated where that is smaller, stored otherwise; what is compressed already is not tried.
void zip_encoder::put_member(walk::entry const& entry, std::span<std::byte const> data,
                             std::optional<std::uint32_t> crc) {
    auto of = describe(entry, options_.attributes, clock_);
    of.content_bytes = data.size();
    of.crc = crc ? *crc : codec::crc32(0, data);
    auto const header_at = at_;
    auto const header = local_header_bytes(of);
    auto const room = scratch_.bytes().subspan(at_ + header);
    bool const worth_it = has_content(entry) && !options_.store && data.size() > 8 &&
                          !codec::has_compressed_extension(entry.name) && codec::looks_compressible(data);
    std::size_t packed = 0;
    if (worth_it) {
        packed = deflate_.compress(data, room);
        SUBMITIT_CHECK(packed != 0);  // the ticket's size leaves room for the bound
    }
    if (packed != 0 && packed < data.size()) {
        of.method = method_deflate;
    } else {
        packed = data.size();
        SUBMITIT_CHECK(packed <= room.size());
        if (packed != 0) std::memcpy(room.data(), data.data(), packed);
    }
    of.packed_bytes = packed;
    write_local_header(of, scratch_.bytes().subspan(at_, header));
    at_ += header + packed;
    put_central(of, header_at);
}

void zip_encoder::put_central(member const& of, std::size_t header_at) {
    auto const start = directory_.size();
    directory_.resize(start + central_record_bytes(of, header_at));
    write_central_record(of, header_at, std::span{directory_}.subspan(start));
}

void zip_encoder::encode_segment(plan::ticket const& ticket, std::span<std::byte> slab, content const& read,
                                 encoded& done) {
    auto const& large = *ticket.large;
    if (ticket.first_segment() && read.left_out) {
        done.left_out = true;
        return;
    }
    auto const bytes = static_cast<std::size_t>(ticket.bytes);
    auto const got = read.left_out ? 0 : static_cast<std::size_t>(read.op.got);
    std::memset(slab.data() + got, 0, bytes - got);
    done.damaged = got < bytes;
    if (ticket.first_segment()) {
        ++done.files;
        warn_about_name(large.entry, done);
    }
    auto const data = slab.first(bytes);
    done.content_bytes = bytes;
    done.crc = codec::crc32(0, data);
    if (large.store) {
        done.payload = data;
        return;
    }
    auto const packed = deflate_.compress_segment(data, scratch_.bytes());
    SUBMITIT_CHECK(packed != 0 && packed <= slab.size());
    std::memcpy(slab.data(), scratch_.bytes().data(), packed);
    done.payload = slab.first(packed);
}

void zip_encoder::warn_about_name(walk::entry const& entry, encoded& done) {
    if (!is_utf8(entry.name)) {
        done.notices.push_back({walk::notice_kind::name_warning,
                                entry.name,
                                {},
                                "not UTF-8: stored byte for byte; some readers will show another name"});
    } else if (entry.name.find('\\') != std::string::npos) {
        done.notices.push_back({walk::notice_kind::name_warning,
                                entry.name,
                                {},
                                "a backslash in its name is a directory separator to readers on Windows"});
    }
}

}  // namespace

std::unique_ptr<encoder> make_encoder(encoder_options const& options) { return std::make_unique<zip_encoder>(options); }

std::uint64_t entry_bytes(walk::entry const& entry, std::uint64_t size) noexcept {
    return size + 2 * entry.name.size() + entry.link_target.size() + records_bytes_max;
}

}  // namespace submitit::archive::zip
