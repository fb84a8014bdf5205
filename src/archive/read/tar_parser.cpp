// SPDX-License-Identifier: Apache-2.0
#include "archive/read/tar_parser.hpp"

#include <algorithm>
#include <utility>

namespace submitit::archive::reader {
namespace {

constexpr std::size_t long_name_bytes_max = 64 * 1024;
constexpr std::uint64_t size_max = std::uint64_t{1} << 62U;  // so that sums of a size and its padding stay in 64 bits

char kind_of(tar_header const& header, std::string const& path) {
    switch (header.type) {
        case '1': return 'h';
        case '2': return 'l';
        case '3': return 'c';
        case '4': return 'b';
        case '5':
        case 'D': return 'd';
        case '6': return 'p';
        case '\0':
        case '0': return path.ends_with('/') ? 'd' : '-';  // how tar wrote directories before POSIX
        case '7':
        case 'S': return '-';
        default: return '?';
    }
}

std::string name_of(std::string text) {
    return text.substr(0, text.find('\0'));  // GNU long names carry their NUL
}

}  // namespace

void tar_parser::feed(std::span<std::byte const> bytes) {
    while (!bytes.empty() && step_ != step::lost) {
        auto n = bytes.size();
        switch (step_) {
            case step::header:
            case step::sparse_extension: n = gather(bytes); break;
            case step::payload:
                n = static_cast<std::size_t>(std::min<std::uint64_t>(n, left_));
                take_payload(bytes.first(n));
                break;
            case step::padding:
                n = static_cast<std::size_t>(std::min<std::uint64_t>(n, padding_));
                take_padding(bytes.first(n));
                break;
            case step::after_end: take_after_end(bytes); break;
            case step::lost: break;
        }
        position_ += n;
        bytes = bytes.subspan(n);
    }
}

void tar_parser::finish() {
    switch (step_) {
        case step::lost:
        case step::after_end: break;
        case step::payload:
            run_.problem(entry_.path, "the archive ends " + count_bytes(left_) + " before its data does");
            break;
        case step::padding:
        case step::sparse_extension:
            run_.problem(entry_.path, "the archive ends before the block that closes it");
            break;
        case step::header:
            if (block_filled_ != 0) {
                run_.problem({}, "the archive ends inside a header");
            } else {
                run_.problem({}, one_zero_block_ ? "the archive ends in one zero block instead of two: it is cut short"
                                                 : "the archive does not end in two zero blocks: it is cut short");
            }
            break;
    }
}

std::size_t tar_parser::gather(std::span<std::byte const> bytes) {
    if (block_filled_ == 0 && bytes.size() >= tar_block_bytes) {
        take_block(bytes.first<tar_block_bytes>());
        return tar_block_bytes;
    }
    auto const n = std::min(bytes.size(), tar_block_bytes - block_filled_);
    std::ranges::copy(bytes.first(n), block_.begin() + static_cast<std::ptrdiff_t>(block_filled_));
    block_filled_ += n;
    if (block_filled_ == tar_block_bytes) {
        block_filled_ = 0;
        take_block(block_);
    }
    return n;
}

void tar_parser::take_block(tar_block block) {
    if (step_ == step::sparse_extension) return take_sparse_extension(block);
    if (is_zero_block(block)) return take_zero_block();
    if (std::exchange(one_zero_block_, false)) run_.problem({}, "a lone zero block stands between two entries");
    take_header(block);
}

void tar_parser::take_zero_block() {
    if (std::exchange(headers_pending_, false)) run_.problem({}, "an extended header is followed by no entry");
    if (std::exchange(one_zero_block_, true)) step_ = step::after_end;
}

std::string tar_parser::block_start() const {
    return std::to_string(position_ - position_ % tar_block_bytes);  // everything in a tar starts at a block border
}

void tar_parser::lose(std::string message) {
    run_.problem({}, std::move(message));
    step_ = step::lost;
}

void tar_parser::take_header(tar_block block) {
    if (!tar_checksum_matches(block))
        return lose("the header at byte " + block_start() +
                    (entry_.path.empty() ? std::string{} : " (behind " + entry_.path + ")") +
                    " does not match its checksum");
    auto header = parse_tar_header(block);
    if (!header || header->size > size_max) return lose("the header at byte " + block_start() + " has no valid size");
    switch (header->type) {
        case 'x':
        case 'X': pax_ = {}; return start_payload(payload::pax, header->size);
        case 'g': pax_ = {}; return start_payload(payload::pax_global, header->size);
        case 'L': long_name_.emplace(); return start_payload(payload::long_name, header->size);
        case 'K': long_link_.emplace(); return start_payload(payload::long_link, header->size);
        case 'M': run_.problem(header->path, "is the continuation of an entry on another volume"); break;
        default: break;
    }
    start_entry(std::move(*header), block);
}

void tar_parser::start_payload(payload kind, std::uint64_t bytes) {
    payload_ = kind;
    left_ = bytes;
    padding_ = (tar_block_bytes - bytes % tar_block_bytes) % tar_block_bytes;
    step_ = step::payload;
    if (kind == payload::pax || kind == payload::long_name || kind == payload::long_link) headers_pending_ = true;
    if (left_ == 0) end_payload();
}

void tar_parser::take_payload(std::span<std::byte const> bytes) {
    auto append = [&](std::string& text) {
        for (auto const b : bytes) text.push_back(std::to_integer<char>(b));
    };
    switch (payload_) {
        case payload::content: sink_.data(bytes); break;
        case payload::sparse_content: static_cast<void>(sparse_.take(bytes, sink_)); break;
        case payload::pax:
        case payload::pax_global: static_cast<void>(pax_.feed(bytes)); break;
        case payload::long_name:
        case payload::long_link: {
            auto& text = payload_ == payload::long_name ? *long_name_ : *long_link_;
            if (text.size() + bytes.size() > long_name_bytes_max) return lose("a name is longer than 64 KiB");
            append(text);
            break;
        }
        case payload::ignored: break;
    }
    left_ -= bytes.size();
    if (left_ == 0) end_payload();
}

void tar_parser::end_payload() {
    switch (payload_) {
        case payload::content: sink_.end(); break;
        case payload::sparse_content:
            if (!sparse_.finish(sink_)) {
                run_.problem(entry_.path, std::string{sparse_.why()});
            } else if (sparse_.followed()) {
                sink_.end();
            } else {
                run_.note("a sparse map is too long to follow; its entry was not expanded");
            }
            sparse_ = {};
            break;
        case payload::pax:
        case payload::pax_global:
            if (!pax_.finish()) run_.problem({}, "an extended header is malformed: " + std::string{pax_.why()});
            // A global header changes later ones in ways (charset, comment) that do not matter here.
            if (payload_ == payload::pax_global) pax_ = {};
            break;
        case payload::long_name: *long_name_ = name_of(std::move(*long_name_)); break;
        case payload::long_link: *long_link_ = name_of(std::move(*long_link_)); break;
        case payload::ignored: sink_.end(); break;
    }
    step_ = padding_ == 0 ? step::header : step::padding;
}

void tar_parser::start_entry(tar_header header, tar_block block) {
    auto pax = std::exchange(pax_, {});
    auto& over = pax.found();
    bool const extended = std::exchange(headers_pending_, false);
    auto long_name = std::exchange(long_name_, std::nullopt);
    auto long_link = std::exchange(long_link_, std::nullopt);

    auto& path = over.sparse_name ? over.sparse_name : over.path ? over.path : long_name;
    auto& target = over.link_target ? over.link_target : long_link;
    entry_ = {};
    entry_.path = path ? std::move(*path) : std::move(header.path);
    entry_.link_target = target ? std::move(*target) : std::move(header.link_target);
    entry_.kind = kind_of(header, entry_.path);
    stored_bytes_ = over.size.value_or(header.size);
    if (stored_bytes_ > size_max) return lose("a pax header gives an absurd size");
    if (entry_.path.empty()) run_.problem({}, "the entry at byte " + block_start() + " has no name");

    // Only pax allows data behind a hard link; elsewhere its size is that of the first name, and no data follows.
    bool const no_data = header.type == '2' || header.type == '3' || header.type == '4' || header.type == '5' ||
                         header.type == '6' || header.type == 'V' || (header.type == '1' && !extended);
    if (no_data) stored_bytes_ = 0;
    if (header.type == 'S') {
        if (!start_old_sparse(block)) lose("a sparse header is malformed");
        return;
    }
    if (!over.sparse) {
        if (entry_.kind == '-' || entry_.kind == 'h') entry_.size = stored_bytes_;
        sink_.begin(entry_);
        return start_payload(entry_.kind == 'd' || entry_.kind == '?' ? payload::ignored : payload::content,
                             stored_bytes_);
    }
    real_size_ = over.sparse_real_size.value_or(stored_bytes_);
    sparse_.start(std::move(over.sparse_extents), real_size_, over.sparse_major.value_or(0) == 1);
    open_entry();
}

bool tar_parser::start_old_sparse(tar_block block) {
    auto const sparse = parse_gnu_sparse_header(block);
    if (!sparse || sparse->real_size > size_max) return false;
    old_map_ = {};
    for (std::size_t i = 0; i < sparse->count; ++i)
        if (!old_map_.add(sparse->extents[i])) return false;
    real_size_ = sparse->real_size;
    if (sparse->extended) {
        step_ = step::sparse_extension;
        return true;
    }
    sparse_.start(std::move(old_map_), real_size_, false);
    open_entry();
    return true;
}

void tar_parser::take_sparse_extension(tar_block block) {
    auto const more = parse_gnu_sparse_extension(block);
    if (!more) return lose("a sparse extension block is malformed");
    for (std::size_t i = 0; i < more->count; ++i)
        if (!old_map_.add(more->extents[i])) return lose("a sparse extension block has overlapping extents");
    if (more->extended) return;
    sparse_.start(std::move(old_map_), real_size_, false);
    open_entry();
}

/// A sparse entry whose map (if it is not in the data) is known.
void tar_parser::open_entry() {
    entry_.size = real_size_;
    sink_.begin(entry_);
    start_payload(payload::sparse_content, stored_bytes_);
}

void tar_parser::take_padding(std::span<std::byte const> bytes) {
    if (!is_zero_block(bytes)) run_.note("the padding behind an entry is not zero");
    padding_ -= bytes.size();
    if (padding_ == 0) step_ = step::header;
}

void tar_parser::take_after_end(std::span<std::byte const> bytes) {
    if (!is_zero_block(bytes)) lose("there is data behind the two zero blocks that end the archive");
}

}  // namespace submitit::archive::reader
