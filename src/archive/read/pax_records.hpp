// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "archive/read/sparse_map.hpp"

namespace submitit::archive::reader {

/// What a pax extended header overrides in the header behind it.
struct pax_overrides {
    std::optional<std::string> path;
    std::optional<std::string> link_target;
    std::optional<std::uint64_t> size;
    std::optional<std::string> sparse_name;         ///< GNU.sparse.name
    std::optional<std::uint64_t> sparse_real_size;  ///< GNU.sparse.realsize (1.0), GNU.sparse.size (0.x)
    std::optional<std::uint64_t> sparse_major;
    std::optional<std::uint64_t> sparse_offset;  ///< 0.0: the offset waiting for its length
    sparse_map sparse_extents;                   ///< 0.0 and 0.1 carry the map here
    bool sparse = false;
};

/// Reads the payload of one extended header as it streams by: "LEN key=value\n". Values nobody needs (xattrs) are
/// passed over, so that memory stays below 128 KiB whatever the header holds.
/// Source: POSIX.1-2017 pax, "pax Extended Header"; GNU tar manual, "Sparse Formats".
class pax_records {
public:
    /// False once the payload is malformed; `why()` then says how. Further bytes are ignored.
    [[nodiscard]] bool feed(std::span<std::byte const> bytes);
    /// False when the payload stops inside a record.
    [[nodiscard]] bool finish();

    [[nodiscard]] std::string_view why() const noexcept { return why_; }
    [[nodiscard]] pax_overrides& found() noexcept { return found_; }

private:
    enum class part { length, key, value, skipped };

    bool fail(std::string_view why);
    bool take(char c);
    bool take_length(char c);
    bool take_key(char c);
    bool take_value(char c);
    bool end_record();
    bool apply();
    bool apply_sparse(std::string_view name);
    bool apply_sparse_map();

    part part_ = part::length;
    std::uint64_t left_ = 0;    // bytes of the record still to come, its newline included
    std::uint64_t digits_ = 0;  // length of the LEN text so far
    std::string key_;
    std::string value_;
    std::string_view why_;
    pax_overrides found_;
};

}  // namespace submitit::archive::reader
