// SPDX-License-Identifier: Apache-2.0
#include "archive/read/zip_compare.hpp"

#include <algorithm>

#include "base/display_name.hpp"

namespace submitit::archive::reader {
namespace {

class comparison {
public:
    comparison(session& run, zip_central const& central) : run_{run}, central_{central} {}

    void differ(std::string_view what, std::string const& local, std::string const& central) {
        run_.problem(central_.name,
                     "its local header says " + std::string{what} + " " + local + ", the directory " + central);
    }
    void numbers(std::string_view what, std::uint64_t local, std::uint64_t central) {
        if (local != central) differ(what, std::to_string(local), std::to_string(central));
    }
    /// With a descriptor the local header need not know; if it pretends to, it must be right.
    void later_known(std::string_view what, std::uint64_t local, std::uint64_t central, bool later) {
        if (!later || local != 0) numbers(what, local, central);
    }

private:
    session& run_;
    zip_central const& central_;
};

/// Many writers ask for version 45 only in that one of the two headers which carries the Zip64 extra.
bool zip64_explains(zip_central const& central, zip_local const& local) {
    constexpr unsigned version_zip64 = 45;
    return central.has_zip64 != local.has_zip64 &&
           std::max(central.version_needed, local.version_needed) == version_zip64;
}

}  // namespace

void compare_zip_headers(session& run, zip_central const& central, zip_local const& local) {
    comparison compare{run, central};
    bool const later = central.has_descriptor();
    if (local.name != central.name) compare.differ("the name is", display_name(local.name), display_name(central.name));
    if (!zip64_explains(central, local))
        compare.numbers("version needed", local.version_needed, central.version_needed);
    compare.numbers("flags", local.flags, central.flags);
    compare.numbers("method", local.method, central.method);
    compare.numbers("DOS time", local.dos_time, central.dos_time);
    compare.later_known("compressed size", local.compressed_bytes, central.compressed_bytes, later);
    compare.later_known("size", local.content_bytes, central.content_bytes, later);
    if (local.crc != central.crc && !(later && local.crc == 0))
        compare.differ("CRC-32", hex32(local.crc), hex32(central.crc));
    if (local.unix_mtime && central.unix_mtime)
        compare.numbers("modification time", *local.unix_mtime, *central.unix_mtime);
    if (!local.unix_owner.empty() && !central.unix_owner.empty() &&
        !std::ranges::equal(local.unix_owner, central.unix_owner))
        run.problem(central.name, "its local header names another owner than the directory");
    if (local.zip64_missing) run.problem(central.name, "its local header points to a Zip64 field that is not there");
    if (local.extra_malformed || central.extra_malformed) run.problem(central.name, "its extra fields are malformed");
}

}  // namespace submitit::archive::reader
