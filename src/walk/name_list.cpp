// SPDX-License-Identifier: Apache-2.0
#include "walk/name_list.hpp"

#include <algorithm>
#include <cstring>

#include "base/endian.hpp"

namespace submitit::walk {
namespace {

constexpr std::size_t record_header = 4;
constexpr std::size_t record_max = record_header + 0xFFFF;
constexpr std::size_t run_buffer_max = 64 * 1024;
constexpr std::size_t run_buffer_min = 512;  // of a very large directory: a thousand runs or more

std::size_t record_bytes(std::byte const* record) noexcept { return record_header + load_le<std::uint16_t>(record); }

std::string_view record_name(std::byte const* record) noexcept {
    return {reinterpret_cast<char const*>(record + record_header), load_le<std::uint16_t>(record)};
}

bool record_is_directory(std::byte const* record) noexcept { return record[3] != std::byte{0}; }

}  // namespace

bool name_list::before(std::byte const* left, std::byte const* right) noexcept {
    auto const a = record_name(left);
    auto const b = record_name(right);
    auto const common = std::min(a.size(), b.size());
    if (int const order = std::memcmp(a.data(), b.data(), common); order != 0) return order < 0;
    // The byte after the common part: the name's own, the '/' of a directory, or nothing at all.
    auto const following = [common](std::string_view name, bool is_directory) {
        if (name.size() > common) return static_cast<int>(static_cast<unsigned char>(name[common]));
        return is_directory ? static_cast<int>('/') : -1;
    };
    return following(a, record_is_directory(left)) < following(b, record_is_directory(right));
}

result<> name_list::add(std::string_view name, std::uint8_t type, bool is_directory) {
    if (arena_.size() + name.size() + record_header + (order_.size() + 1) * sizeof(std::uint32_t) > window_bytes_ &&
        !order_.empty()) {
        if (auto const spilled = spill_run(); !spilled) return spilled;
    }
    auto const at = arena_.size();
    auto const needed = at + record_header + name.size();
    if (needed > arena_.capacity()) arena_.reserve(std::max(needed, std::min(2 * needed, window_bytes_)));
    arena_.resize(needed);
    store_le(arena_.data() + at, static_cast<std::uint16_t>(name.size()));
    arena_[at + 2] = static_cast<std::byte>(type);
    arena_[at + 3] = static_cast<std::byte>(is_directory ? 1 : 0);
    std::memcpy(arena_.data() + at + record_header, name.data(), name.size());
    order_.push_back(static_cast<std::uint32_t>(at));
    return {};
}

result<> name_list::sort() {
    std::sort(order_.begin(), order_.end(),
              [this](std::uint32_t a, std::uint32_t b) { return before(arena_.data() + a, arena_.data() + b); });
    return runs_.empty() ? result<>{} : write_sorted(0);
}

result<> name_list::spill_run() {
    std::sort(order_.begin(), order_.end(),
              [this](std::uint32_t a, std::uint32_t b) { return before(arena_.data() + a, arena_.data() + b); });
    return write_sorted(0);
}

/// Moves the sorted names from `first` on into a run of the spill file and empties the memory.
result<> name_list::write_sorted(std::size_t first) {
    run made;
    made.offset = made.end = spill_->size();
    std::vector<std::byte> chunk;
    chunk.reserve(run_buffer_max + record_max);
    auto const flush = [&]() -> result<> {
        auto const written = spill_->append(chunk);
        if (!written) return written.error();
        made.end = *written + chunk.size();
        chunk.clear();
        return {};
    };
    for (auto i = first; i < order_.size(); ++i) {
        auto const* const record = arena_.data() + order_[i];
        chunk.insert(chunk.end(), record, record + record_bytes(record));
        if (chunk.size() >= run_buffer_max) {
            if (auto const flushed = flush(); !flushed) return flushed;
        }
    }
    if (!chunk.empty()) {
        if (auto const flushed = flush(); !flushed) return flushed;
    }
    if (made.end > made.offset) runs_.push_back(std::move(made));
    std::vector<std::byte>{}.swap(arena_);  // an assignment of {} would keep the memory
    std::vector<std::uint32_t>{}.swap(order_);
    position_ = 0;
    return {};
}

/// Makes sure a whole record stands at from.at; false when the run is used up.
result<bool> name_list::fill(run& from) const {
    auto const available = from.buffer.size() - from.at;
    if (available >= record_header && available >= record_bytes(from.buffer.data() + from.at)) return true;
    if (available == 0 && from.offset == from.end) return false;
    auto const share =
        std::clamp(window_bytes_ / std::max<std::size_t>(runs_.size(), 1), run_buffer_min, run_buffer_max);
    std::size_t wanted = std::max(share, record_header);
    if (available >= record_header) wanted = std::max(wanted, record_bytes(from.buffer.data() + from.at));
    from.buffer.erase(from.buffer.begin(), from.buffer.begin() + static_cast<std::ptrdiff_t>(from.at));
    from.at = 0;
    auto const more = static_cast<std::size_t>(std::min<std::uint64_t>(wanted - available, from.end - from.offset));
    from.buffer.resize(available + more);
    if (auto const got = spill_->read(from.offset, std::span{from.buffer}.subspan(available)); !got)
        return failure{got.error()};
    from.offset += more;
    return fill(from);
}

void name_list::give(std::byte const* record, item& out) {
    out.name.assign(record_name(record));
    out.type = static_cast<std::uint8_t>(record[2]);
    out.is_directory = record_is_directory(record);
}

result<bool> name_list::next(item& out) {
    if (runs_.empty()) {
        if (position_ == order_.size()) return false;
        give(arena_.data() + order_[position_++], out);
        return true;
    }
    // A heap of runs, the one with the smallest name on top.
    auto const later = [this](std::uint32_t a, std::uint32_t b) {
        return before(runs_[b].buffer.data() + runs_[b].at, runs_[a].buffer.data() + runs_[a].at);
    };
    if (!merging_) {
        heap_.clear();
        for (std::uint32_t i = 0; i < runs_.size(); ++i) {
            auto const filled = fill(runs_[i]);
            if (!filled) return failure{filled.error()};
            if (*filled) heap_.push_back(i);
        }
        std::make_heap(heap_.begin(), heap_.end(), later);
        merging_ = true;
    }
    if (heap_.empty()) return false;
    std::pop_heap(heap_.begin(), heap_.end(), later);
    auto& smallest = runs_[heap_.back()];
    auto const* const record = smallest.buffer.data() + smallest.at;
    give(record, out);
    smallest.at += record_bytes(record);
    auto const filled = fill(smallest);
    if (!filled) return failure{filled.error()};
    if (*filled) {
        std::push_heap(heap_.begin(), heap_.end(), later);
    } else {
        heap_.pop_back();
    }
    return true;
}

result<> name_list::suspend() {
    if (runs_.empty()) return write_sorted(position_);
    merging_ = false;
    for (auto& held : runs_) {
        held.offset -= held.buffer.size() - held.at;
        std::vector<std::byte>{}.swap(held.buffer);
        held.at = 0;
    }
    return {};
}

std::size_t name_list::memory_bytes() const noexcept {
    std::size_t bytes = arena_.capacity() + order_.capacity() * sizeof(std::uint32_t);
    for (auto const& held : runs_) bytes += sizeof(run) + held.buffer.capacity();
    return bytes;
}

}  // namespace submitit::walk
