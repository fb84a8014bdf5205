// SPDX-License-Identifier: Apache-2.0
#include "archive/read/content_stream.hpp"

#include <algorithm>
#include <string_view>

namespace submitit::archive::reader {

void content_stream::feed(std::span<std::byte const> bytes) {
    if (!decided_) {
        auto const n = std::min(bytes.size(), head_.size() - head_filled_);
        std::ranges::copy(bytes.first(n), head_.begin() + static_cast<std::ptrdiff_t>(head_filled_));
        head_filled_ += n;
        bytes = bytes.subspan(n);
        if (head_filled_ < head_.size()) return;
        decide();
    }
    if (!bytes.empty()) pass(bytes);
}

void content_stream::finish() {
    if (!decided_) decide();
    if (tar_) return tar_->finish();
    sink_.end();
}

bool content_stream::is_tar() {
    if (!decided_) decide();
    return tar_.has_value();
}

void content_stream::decide() {
    decided_ = true;
    bool const whole = head_filled_ == head_.size();
    // A zero block opens an empty tar, but a disk image as well: then the name decides.
    bool const looks_like_tar = whole && !is_zero_block(head_) && (has_tar_magic(head_) || tar_checksum_matches(head_));
    if (named_tar_ || looks_like_tar) {
        tar_.emplace(run_, sink_);
    } else {
        entry_info entry;
        entry.path = plain_name_;
        sink_.begin(entry);
    }
    pass(std::span{head_}.first(head_filled_));
}

void content_stream::pass(std::span<std::byte const> bytes) {
    if (tar_) return tar_->feed(bytes);
    sink_.data(bytes);
}

archive_name split_archive_name(std::string const& path) {
    archive_name out;
    out.stem = path.substr(path.find_last_of('/') + 1);
    auto const dot = out.stem.find_last_of('.');
    if (dot == std::string::npos || dot == 0) return out;
    std::string_view const suffix = std::string_view{out.stem}.substr(dot);
    for (std::string_view const one : {".tgz", ".tzst", ".txz", ".tbz", ".tbz2", ".tlz", ".tar"})
        out.names_tar = out.names_tar || suffix == one;
    out.stem.resize(dot);
    if (std::string_view{out.stem}.ends_with(".tar")) out.names_tar = true;
    return out;
}

}  // namespace submitit::archive::reader
