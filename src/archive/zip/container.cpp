// SPDX-License-Identifier: Apache-2.0
#include "archive/zip/container.hpp"

#include <array>

#include "archive/record_spool.hpp"
#include "archive/zip/records.hpp"
#include "codec/crc32.hpp"
#include "codec/deflate.hpp"

namespace submitit::archive::zip {
namespace {

/// Deflate may grow what it is given: from here on a local header reserves 64-bit sizes.
constexpr std::uint64_t zip64_deflate_from = 0xFF000000;
constexpr std::size_t play_bytes = 256 * 1024;

class zip_container final : public container {
public:
    zip_container(attribute_options options, bool seekable, std::size_t window_bytes)
        : options_{std::move(options)}, seekable_{seekable}, clock_{options_.reproducible}, spool_{window_bytes} {}

    void begin(output_list&) override {}
    [[nodiscard]] result<> append(plan::ticket const& ticket, encoded const& done, output_list& out) override;
    [[nodiscard]] result<bool> finish(output_list& out) override;

private:
    [[nodiscard]] result<> append_batch(encoded const& done, output_list& out);
    [[nodiscard]] result<> append_segment(plan::ticket const& ticket, encoded const& done, output_list& out);
    void withdraw_large(plan::ticket const& ticket, encoded const& done, output_list& out);
    void start_large(plan::large_file const& large, output_list& out);
    [[nodiscard]] result<> end_large(std::optional<std::uint32_t> known_crc, output_list& out);
    [[nodiscard]] result<> record(std::span<std::byte const> central);
    void put(std::span<std::byte const> bytes, output_list& out) {
        out.pieces.push_back(bytes);
        position_ += bytes.size();
    }

    attribute_options options_;
    bool seekable_;
    dos_clock clock_;
    record_spool spool_;
    std::uint64_t position_ = 0;
    std::uint64_t entries_ = 0;
    member large_;                // the large file being written
    std::uint64_t large_at_ = 0;  // its local header
    segment_state state_;
    std::vector<std::byte> header_;   // its local header's bytes
    std::vector<std::byte> central_;  // one central record
    std::array<std::byte, descriptor_bytes_max> descriptor_{};
    std::array<std::byte, end_bytes_max> end_{};
    std::vector<std::byte> playing_;
    std::uint64_t directory_at_ = 0;
    bool playing_back_ = false;
    bool ended_ = false;
};

result<> zip_container::append(plan::ticket const& ticket, encoded const& done, output_list& out) {
    if (ticket.kind == plan::ticket_kind::segment) return append_segment(ticket, done, out);
    return append_batch(done, out);
}

result<> zip_container::append_batch(encoded const& done, output_list& out) {
    auto const base = position_;
    if (!done.payload.empty()) put(done.payload, out);
    for (auto rest = done.directory; !rest.empty();) {
        auto const one = rest.first(central_record_length(rest));
        central_.resize(one.size() + relocation_growth_max);
        auto const bytes = relocate_central_record(one, base, central_);
        if (auto const kept = record(std::span{central_}.first(bytes)); !kept) return kept;
        rest = rest.subspan(one.size());
    }
    return {};
}

result<> zip_container::record(std::span<std::byte const> central) {
    ++entries_;
    return spool_.append(central);
}

result<> zip_container::append_segment(plan::ticket const& ticket, encoded const& done, output_list& out) {
    auto const& large = *ticket.large;
    if (ticket.first_segment()) state_ = {};
    if (state_.dropping) {
        out.withdrawn_bytes = done.content_bytes;
        return {};
    }
    if (done.left_out || (done.damaged && seekable_)) {
        state_.dropping = true;
        if (!done.left_out) withdraw_large(ticket, done, out);
        return {};
    }
    if (ticket.first_segment()) start_large(large, out);
    if (done.damaged && !state_.damaged)
        out.notices.push_back(
            {walk::notice_kind::damaged, large.entry.name, {}, "missing bytes were written as zeros"});
    state_.damaged = state_.damaged || done.damaged;
    state_.changed = state_.changed || done.changed;
    large_.crc = codec::combine_crc32(large_.crc, done.crc, done.content_bytes);
    large_.content_bytes += done.content_bytes;
    large_.packed_bytes += done.payload.size();
    put(done.payload, out);
    if (!ticket.last_segment) return {};
    if (state_.changed && !state_.damaged)
        out.notices.push_back({walk::notice_kind::changed, large.entry.name, {}, "modified while it was read"});
    return end_large(large.known_crc, out);
}

/// A damaged entry goes as if it had never been there; one that was left out has been told of already.
void zip_container::withdraw_large(plan::ticket const& ticket, encoded const& done, output_list& out) {
    out.withdrawn_files = 1;
    out.withdrawn_bytes = done.content_bytes;
    if (!ticket.first_segment()) {
        out.withdrawn_bytes += large_.content_bytes;
        out.cut_back_to = large_at_;
        position_ = large_at_;
    }
    out.notices.push_back(
        {walk::notice_kind::unreadable, ticket.large->entry.name, {}, "it could not be read to its end: left out"});
}

void zip_container::start_large(plan::large_file const& large, output_list& out) {
    large_at_ = position_;
    large_ = describe(large.entry, options_, clock_);
    large_.method = large.store ? method_store : method_deflate;
    if (!seekable_ && !large.known_crc) large_.flags |= flag_descriptor;
    auto const limit = large.store ? std::uint64_t{limit_32} : zip64_deflate_from;
    large_.zip64_local = large.declared_bytes >= limit || position_ >= limit_32;
    auto first = large_;
    if (large.known_crc) {
        first.crc = *large.known_crc;
        first.content_bytes = first.packed_bytes = large.declared_bytes;
    }
    header_.resize(local_header_bytes(first));
    write_local_header(first, header_);
    put(header_, out);
}

result<> zip_container::end_large(std::optional<std::uint32_t> known_crc, output_list& out) {
    if (large_.method == method_deflate) {
        put(codec::deflate_end, out);
        large_.packed_bytes += sizeof codec::deflate_end;
    }
    if (known_crc) {
        large_.crc = *known_crc;
    } else if (seekable_) {
        header_.resize(local_header_bytes(large_));
        write_local_header(large_, header_);
        out.overwrite = output_list::patch{large_at_, header_};
    } else {
        auto const bytes = write_descriptor(large_, descriptor_);
        put(std::span{descriptor_}.first(bytes), out);
    }
    central_.resize(central_record_bytes(large_, large_at_));
    write_central_record(large_, large_at_, central_);
    return record(central_);
}

result<bool> zip_container::finish(output_list& out) {
    if (ended_) return false;
    if (!playing_back_) {
        playing_back_ = true;
        directory_at_ = position_;
    }
    auto const part = spool_.play(playing_, play_bytes);
    if (!part) return failure{part.error()};
    if (!part->empty()) {
        put(*part, out);
        return true;
    }
    auto const bytes = write_end({entries_, spool_.size(), directory_at_}, end_);
    put(std::span{end_}.first(bytes), out);
    ended_ = true;
    return true;
}

}  // namespace

std::unique_ptr<container> make_container(attribute_options const& options, bool seekable, std::size_t window_bytes) {
    return std::make_unique<zip_container>(options, seekable, window_bytes);
}

}  // namespace submitit::archive::zip
