// SPDX-License-Identifier: Apache-2.0
#include "archive/read/pax_records.hpp"

#include <algorithm>
#include <charconv>

namespace submitit::archive::reader {
namespace {

constexpr std::size_t key_bytes_max = 256;          // the keys known here are shorter; longer ones are passed over
constexpr std::size_t value_bytes_max = 64 * 1024;  // PATH_MAX is 4096; GNU.sparse.map is the one long value
constexpr std::uint64_t record_bytes_max = std::uint64_t{1} << 40U;

bool is_wanted(std::string_view key) {
    return key == "path" || key == "linkpath" || key == "size" || key.starts_with("GNU.sparse.");
}

std::optional<std::uint64_t> decimal(std::string_view text) {
    std::uint64_t value = 0;
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

}  // namespace

bool pax_records::fail(std::string_view why) {
    why_ = why;
    return false;
}

bool pax_records::feed(std::span<std::byte const> bytes) {
    if (!why_.empty()) return false;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        if (part_ == part::skipped && left_ > 1) {
            auto const n = static_cast<std::size_t>(std::min<std::uint64_t>(left_ - 1, bytes.size() - i));
            left_ -= n;
            i += n - 1;
            continue;
        }
        if (!take(std::to_integer<char>(bytes[i]))) return false;
    }
    return true;
}

bool pax_records::finish() {
    if (!why_.empty()) return false;
    if (part_ != part::length || digits_ != 0) return fail("its last pax record is cut short");
    if (found_.sparse_offset) return fail("a sparse offset in its pax header has no length");
    return true;
}

bool pax_records::take(char c) {
    switch (part_) {
        case part::length: return take_length(c);
        case part::key: return take_key(c);
        default: return take_value(c);
    }
}

bool pax_records::take_length(char c) {
    if (c >= '0' && c <= '9') {
        left_ = left_ * 10 + static_cast<std::uint64_t>(c - '0');
        ++digits_;
        if (left_ > record_bytes_max) return fail("a pax record is absurdly long");
        return true;
    }
    // LEN counts itself, the space, at least "=" and the newline.
    if (c != ' ' || digits_ == 0 || left_ < digits_ + 3) return fail("a pax record has no proper length");
    left_ -= digits_ + 1;
    part_ = part::key;
    key_.clear();
    value_.clear();
    return true;
}

bool pax_records::take_key(char c) {
    --left_;
    if (left_ == 0) return fail("a pax record has no \"=\"");
    if (c == '=') {
        part_ = is_wanted(key_) ? part::value : part::skipped;
    } else if (key_.size() < key_bytes_max) {
        key_.push_back(c);
    } else {
        part_ = part::skipped;  // too long to be one of ours; its "=" is not looked for
    }
    return true;
}

bool pax_records::take_value(char c) {
    --left_;
    if (left_ == 0) return c == '\n' ? end_record() : fail("a pax record does not end in a newline");
    if (part_ == part::skipped) return true;
    if (key_ == "GNU.sparse.map" && c == ',') return apply_sparse_map();
    if (value_.size() >= value_bytes_max) return fail("a name in its pax header is longer than 64 KiB");
    value_.push_back(c);
    return true;
}

bool pax_records::end_record() {
    bool const ok = part_ == part::skipped || apply();
    part_ = part::length;
    digits_ = 0;
    return ok;
}

bool pax_records::apply() {
    std::string_view const name = key_;
    if (name == "path") {
        found_.path = value_;
    } else if (name == "linkpath") {
        found_.link_target = value_;
    } else if (name == "size") {
        found_.size = decimal(value_);
        if (!found_.size) return fail("the size in its pax header is no number");
    } else {
        return apply_sparse(name.substr(std::string_view{"GNU.sparse."}.size()));
    }
    return true;
}

bool pax_records::apply_sparse(std::string_view name) {
    found_.sparse = true;
    if (name == "name") {
        found_.sparse_name = value_;
        return true;
    }
    if (name == "map") return apply_sparse_map();
    auto const number = decimal(value_);
    if (!number) return fail("a sparse field in its pax header is no number");
    if (name == "realsize" || name == "size") found_.sparse_real_size = number;
    if (name == "major") found_.sparse_major = number;
    if (name == "offset") found_.sparse_offset = number;
    if (name == "numbytes") {
        if (!found_.sparse_offset || !found_.sparse_extents.add({*found_.sparse_offset, *number}))
            return fail("the sparse extents in its pax header overlap");
        found_.sparse_offset.reset();
    }
    return true;
}

/// GNU.sparse.map is "offset,length,offset,length...": called at each comma and at the end of the record.
bool pax_records::apply_sparse_map() {
    if (value_.empty() && left_ == 0 && !found_.sparse_offset) return true;  // a file without data has an empty map
    auto const number = decimal(value_);
    if (!number) return fail("the sparse map in its pax header is malformed");
    value_.clear();
    if (!found_.sparse_offset) {
        found_.sparse_offset = number;
        return true;
    }
    auto const offset = *found_.sparse_offset;
    found_.sparse_offset.reset();
    return found_.sparse_extents.add({offset, *number}) || fail("the sparse extents in its pax header overlap");
}

}  // namespace submitit::archive::reader
