// SPDX-License-Identifier: Apache-2.0
#include "archive/read/sparse_data.hpp"

#include <utility>

namespace submitit::archive::reader {

void sparse_data::start(sparse_map map, std::uint64_t real_size, bool map_in_data) {
    *this = sparse_data{};
    if (!map_in_data) map_ = std::move(map);
    real_size_ = real_size;
    in_map_ = map_in_data;
}

bool sparse_data::fail(std::string_view why) {
    why_ = why;
    return false;
}

bool sparse_data::take(std::span<std::byte const> bytes, entry_sink& sink) {
    if (!why_.empty()) return false;
    while (in_map_ && !bytes.empty()) {
        if (!take_map_byte(bytes.front())) return false;
        bytes = bytes.subspan(1);
    }
    if (bytes.size() > map_.stored_bytes() - placed_) return fail("holds more data than its sparse map places");
    placed_ += bytes.size();
    if (map_.complete()) map_.place(bytes, sink);
    return true;
}

bool sparse_data::finish(entry_sink& sink) {
    if (!why_.empty()) return false;
    if (in_map_) return fail("ends inside its sparse map");
    if (placed_ != map_.stored_bytes()) return fail("holds less data than its sparse map places");
    if (map_.end() > real_size_) return fail("has a sparse map that reaches past its size");
    if (map_.complete()) map_.close(real_size_, sink);
    return true;
}

bool sparse_data::take_map_byte(std::byte byte) {
    ++map_bytes_;
    auto const c = std::to_integer<char>(byte);
    bool const all_read = have_count_ && extents_left_ == 0;
    if (all_read && c != '\0') return fail("has a sparse map with text behind its last extent");
    if (!all_read && c >= '0' && c <= '9') {
        if (++digits_ > 19) return fail("has a sparse map with an absurd number");
        number_ = number_ * 10 + static_cast<std::uint64_t>(c - '0');
        return true;
    }
    if (!all_read) {
        if (c != '\n' || digits_ == 0) return fail("has a malformed sparse map");
        digits_ = 0;
        if (!take_number(std::exchange(number_, 0))) return false;
    }
    if (have_count_ && extents_left_ == 0 && map_bytes_ % tar_block_bytes == 0) in_map_ = false;
    return true;
}

bool sparse_data::take_number(std::uint64_t number) {
    if (!have_count_) {
        have_count_ = true;
        extents_left_ = number;
    } else if (!have_offset_) {
        have_offset_ = true;
        offset_ = number;
    } else {
        have_offset_ = false;
        --extents_left_;
        if (!map_.add({offset_, number})) return fail("has a sparse map with overlapping extents");
    }
    return true;
}

}  // namespace submitit::archive::reader
