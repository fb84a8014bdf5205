// SPDX-License-Identifier: Apache-2.0
#include "plan/hard_links.hpp"

#include <array>
#include <cstring>

namespace submitit::plan {

/// name_bytes 0 marks a free slot, name_bytes UINT32_MAX a forgotten one.
struct hard_link_table::slot {
    std::uint64_t dev = 0;
    std::uint64_t ino = 0;
    std::uint64_t name_offset = 0;
    std::uint64_t seq = 0;
    std::uint32_t name_bytes = 0;
    std::uint32_t reserved = 0;
};

namespace {

constexpr std::uint32_t forgotten = UINT32_MAX;
constexpr std::uint64_t slots_at_first = 1U << 16U;
constexpr std::size_t map_node_bytes = 96;

}  // namespace

std::size_t hard_link_table::key_hash::operator()(inode_key const& key) const noexcept {
    std::uint64_t hash = key.second * 0x9E3779B97F4A7C15ULL ^ key.first * 0xC2B2AE3D27D4EB4FULL;
    hash ^= hash >> 29U;
    return hash * 0x165667B19E3779F9ULL;
}

result<std::optional<hard_link_table::first_name>> hard_link_table::find(inode_key key) {
    if (!spilled()) {
        auto const at = held_.find(key);
        if (at == held_.end()) return std::optional<first_name>{};
        first_name known{at->second.name, at->second.seq};
        if (--at->second.names_left == 0) {
            held_bytes_ -= at->second.name.size() + map_node_bytes;
            held_.erase(at);
        }
        return std::optional{std::move(known)};
    }
    slot found;
    if (auto const probed = probe(key, found); !probed) return probed.error();
    if (found.name_bytes == 0 || found.name_bytes == forgotten) return std::optional<first_name>{};
    first_name known{std::string(found.name_bytes, '\0'), found.seq};
    if (auto const got = names_.read(found.name_offset, std::as_writable_bytes(std::span{known.name})); !got)
        return got.error();
    return std::optional{std::move(known)};
}

result<> hard_link_table::add(inode_key key, std::string_view name, std::uint64_t seq, std::uint32_t nlink) {
    if (!spilled()) {
        if (held_bytes_ + name.size() + map_node_bytes <= window_bytes_) {
            held_[key] = {std::string{name}, seq, nlink - 1};
            held_bytes_ += name.size() + map_node_bytes;
            return {};
        }
        if (auto const moved = move_to_file(); !moved) return moved;
    }
    auto const written = names_.append(std::as_bytes(std::span{name.data(), name.size()}));
    if (!written) return written.error();
    return put({key.first, key.second, *written, seq, static_cast<std::uint32_t>(name.size()), 0});
}

result<> hard_link_table::forget(inode_key key) {
    if (!spilled()) {
        if (auto const at = held_.find(key); at != held_.end()) {
            held_bytes_ -= at->second.name.size() + map_node_bytes;
            held_.erase(at);
        }
        return {};
    }
    slot found;
    auto const at = probe(key, found);
    if (!at) return at.error();
    if (found.name_bytes == 0) return {};
    found.name_bytes = forgotten;
    return table_.write_at(*at * sizeof(slot), std::as_bytes(std::span{&found, 1}));
}

result<> hard_link_table::move_to_file() {
    if (auto const grown = grow(slots_at_first); !grown) return grown;
    for (auto const& [key, record] : held_) {
        auto const written = names_.append(std::as_bytes(std::span{record.name.data(), record.name.size()}));
        if (!written) return written.error();
        auto const stored =
            put({key.first, key.second, *written, record.seq, static_cast<std::uint32_t>(record.name.size()), 0});
        if (!stored) return stored;
    }
    decltype(held_){}.swap(held_);  // an assignment of {} would keep the buckets
    held_bytes_ = 0;
    return {};
}

/// A new table of `slots`, all records put again. The old one's space goes with its file.
result<> hard_link_table::grow(std::uint64_t slots) {
    auto const old = std::exchange(table_, spill_file{});
    auto const old_count = std::exchange(slot_count_, slots);
    used_ = 0;
    std::array<slot, 1024> page{};
    for (std::uint64_t at = 0; at < slots; at += page.size())
        if (auto const written = table_.write_at(at * sizeof(slot), std::as_bytes(std::span{page})); !written)
            return written;
    for (std::uint64_t at = 0; at < old_count; at += page.size()) {
        if (auto const got = old.read(at * sizeof(slot), std::as_writable_bytes(std::span{page})); !got) return got;
        for (auto const& record : page) {
            if (record.name_bytes == 0 || record.name_bytes == forgotten) continue;
            if (auto const stored = put(record); !stored) return stored;
        }
    }
    return {};
}

/// The slot that holds `key`, or the free one where it belongs (linear probing).
result<std::uint64_t> hard_link_table::probe(inode_key key, slot& found) const {
    for (std::uint64_t at = key_hash{}(key) & (slot_count_ - 1);; at = (at + 1) & (slot_count_ - 1)) {
        if (auto const got = table_.read(at * sizeof(slot), std::as_writable_bytes(std::span{&found, 1})); !got)
            return got.error();
        if (found.name_bytes == 0 || (found.dev == key.first && found.ino == key.second)) return at;
    }
}

result<> hard_link_table::put(slot const& record) {
    if ((used_ + 1) * 10 > slot_count_ * 6)
        if (auto const grown = grow(slot_count_ * 2); !grown) return grown;
    slot found;
    auto const at = probe({record.dev, record.ino}, found);
    if (!at) return at.error();
    if (found.name_bytes == 0) ++used_;
    return table_.write_at(*at * sizeof(slot), std::as_bytes(std::span{&record, 1}));
}

void link_outcomes::first_failed(inode_key key) {
    std::lock_guard const lock{mutex_};
    if (auto const added = failed_.add(key, "-", 0, UINT32_MAX); !added) error_ = added.error();
}

bool link_outcomes::has_failed(inode_key key) {
    std::lock_guard const lock{mutex_};
    auto const found = failed_.find(key);
    if (!found) error_ = found.error();
    return found && found->has_value();
}

void link_outcomes::clear() {
    std::lock_guard const lock{mutex_};
    failed_ = hard_link_table{window_bytes_};
}

error_code link_outcomes::error() const {
    std::lock_guard const lock{mutex_};
    return error_;
}

}  // namespace submitit::plan
