// SPDX-License-Identifier: Apache-2.0
#include "plan/entry_spool.hpp"

#include <algorithm>
#include <cstring>
#include <string_view>
#include <type_traits>

#include "base/check.hpp"

namespace submitit::plan {

/// As it lies in the file, read by this process only; name, open_path, link_target and xattrs follow.
struct entry_spool::header {
    file_stat stat;
    std::string const* owner = nullptr;
    std::string const* group = nullptr;
    std::uint64_t body_bytes = 0;
    std::uint32_t path_offset = 0;
    std::uint32_t root = 0;
    std::uint32_t xattrs = 0;
    walk::entry_kind kind{};
    bool follow_links = false;
};

namespace {

void put(std::vector<std::byte>& into, std::string_view text) {
    auto const length = static_cast<std::uint32_t>(text.size());
    auto const at = into.size();
    into.resize(at + sizeof length + text.size());
    std::memcpy(into.data() + at, &length, sizeof length);
    std::copy_n(text.data(), text.size(), reinterpret_cast<char*>(into.data() + at + sizeof length));
}

std::string take(std::vector<std::byte> const& from, std::size_t& at) {
    std::uint32_t length = 0;
    SUBMITIT_CHECK(from.size() - at >= sizeof length);
    std::memcpy(&length, from.data() + at, sizeof length);
    at += sizeof length;
    SUBMITIT_CHECK(from.size() - at >= length);
    std::string text{reinterpret_cast<char const*>(from.data() + at), length};
    at += length;
    return text;
}

}  // namespace

result<> entry_spool::append(walk::entry const& entry) {
    static_assert(std::is_trivially_copyable_v<header>);
    auto root = std::find(roots_.begin(), roots_.end(), entry.root);
    if (root == roots_.end()) root = roots_.insert(root, entry.root);
    header head;
    head.stat = entry.stat;
    head.owner = entry.owner;
    head.group = entry.group;
    head.path_offset = entry.path_offset;
    head.root = static_cast<std::uint32_t>(root - roots_.begin());
    head.xattrs = static_cast<std::uint32_t>(entry.xattrs.size());
    head.kind = entry.kind;
    head.follow_links = entry.follow_links;
    std::vector<std::byte> record(sizeof head);
    put(record, entry.name);
    put(record, entry.open_path);
    put(record, entry.link_target);
    for (auto const& attribute : entry.xattrs) {
        put(record, attribute.name);
        put(record, attribute.value);
    }
    head.body_bytes = record.size() - sizeof head;
    std::memcpy(record.data(), &head, sizeof head);
    if (auto const written = records_.append(record); !written) return written.error();
    return {};
}

result<bool> entry_spool::next(walk::entry& out) {
    if (position_ == records_.size()) return false;
    header head;
    if (auto const got = records_.read(position_, std::as_writable_bytes(std::span{&head, 1})); !got)
        return failure{got.error()};
    std::vector<std::byte> body(static_cast<std::size_t>(head.body_bytes));
    if (auto const got = records_.read(position_ + sizeof head, body); !got) return failure{got.error()};
    position_ += sizeof head + head.body_bytes;
    std::size_t at = 0;
    out = walk::entry{};
    out.kind = head.kind;
    out.follow_links = head.follow_links;
    out.path_offset = head.path_offset;
    out.root = roots_.at(head.root);
    out.stat = head.stat;
    out.owner = head.owner;
    out.group = head.group;
    out.name = take(body, at);
    out.open_path = take(body, at);
    out.link_target = take(body, at);
    for (std::uint32_t i = 0; i < head.xattrs; ++i) {
        auto name = take(body, at);
        out.xattrs.push_back({std::move(name), take(body, at)});
    }
    return true;
}

}  // namespace submitit::plan
