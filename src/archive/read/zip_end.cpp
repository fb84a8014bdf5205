// SPDX-License-Identifier: Apache-2.0
#include "archive/read/zip_end.hpp"

#include <algorithm>
#include <vector>

#include "archive/read/zip_records.hpp"
#include "base/endian.hpp"

namespace submitit::archive::reader {
namespace {

constexpr std::size_t comment_bytes_max = 0xFFFF;

struct tail {
    std::vector<std::byte> bytes;
    std::uint64_t offset = 0;  // in the file

    struct place {
        std::size_t at = 0;
        std::size_t comment = 0;  // as declared
        bool exact = false;       // the comment ends where the file ends
    };
    std::optional<place> last_end_record(bool exact_only) const;
};

result<tail> read_tail(input_file& file) {
    tail out;
    out.bytes.resize(static_cast<std::size_t>(std::min<std::uint64_t>(file.size(), zip_end_bytes + comment_bytes_max)));
    out.offset = file.size() - out.bytes.size();
    auto const got = file.read_at(out.offset, out.bytes);
    if (!got) return got.error();
    out.bytes.resize(*got);
    return out;
}

std::optional<tail::place> tail::last_end_record(bool exact_only) const {
    if (bytes.size() < zip_end_bytes) return std::nullopt;
    for (auto at = bytes.size() - zip_end_bytes + 1; at-- > 0;) {
        if (load_le<std::uint32_t>(bytes.data() + at) != zip_end_magic) continue;
        place here{at, load_le<std::uint16_t>(bytes.data() + at + 20), false};
        here.exact = at + zip_end_bytes + here.comment == bytes.size();
        if (here.exact || !exact_only) return here;
    }
    return std::nullopt;
}

void check_comment(session& run, tail const& bytes, tail::place const& found) {
    auto const behind = bytes.bytes.size() - found.at - zip_end_bytes;
    if (found.comment > behind) run.problem({}, "the archive ends inside its comment: it is cut short");
    if (found.comment < behind) run.problem({}, count_bytes(behind - found.comment) + " follow the end record");
    auto const comment = std::span{bytes.bytes}.subspan(found.at + zip_end_bytes);
    static constexpr std::byte magic[] = {std::byte{'P'}, std::byte{'K'}, std::byte{5}, std::byte{6}};
    if (!std::ranges::search(comment, magic).empty())
        run.problem({}, "a second end record hides in the archive's comment: readers will disagree about the contents");
}

/// The Zip64 records in front of the end record, if any; their values replace those that say "see Zip64".
result<> apply_zip64(session& run, input_file& file, std::byte const* end_record, std::uint64_t end_offset,
                     zip_end& out) {
    std::byte locator[zip64_locator_bytes];
    if (end_offset < zip64_locator_bytes + zip64_end_bytes) return {};
    auto const locator_offset = end_offset - zip64_locator_bytes;
    if (auto const got = file.read_at(locator_offset, locator); !got) return got.error();
    if (load_le<std::uint32_t>(locator) != zip64_locator_magic) return {};
    auto const record_offset = load_le<std::uint64_t>(locator + 8);
    std::byte record[zip64_end_bytes];
    if (record_offset > locator_offset - zip64_end_bytes) {
        run.problem({}, "the Zip64 locator points behind itself");
        return {};
    }
    if (auto const got = file.read_at(record_offset, record); !got) return got.error();
    if (load_le<std::uint32_t>(record) != zip64_end_magic) {
        run.problem({}, "no Zip64 end record is where its locator points");
        return {};
    }
    // Only the checked sum can be trusted: the record's own length must reach exactly up to the locator.
    if (load_le<std::uint64_t>(record + 4) != locator_offset - record_offset - 12)
        run.problem({}, "the Zip64 end record does not reach up to its locator");
    if (load_le<std::uint32_t>(locator + 4) != 0 || load_le<std::uint32_t>(locator + 16) != 1 ||
        load_le<std::uint32_t>(record + 16) != 0 || load_le<std::uint32_t>(record + 20) != 0)
        run.problem({}, "the Zip64 records speak of more than one volume");
    auto take = [&](std::uint64_t& value, std::uint64_t sentinel, std::size_t at, char const* what) {
        auto const wide = load_le<std::uint64_t>(record + at);
        if (value != sentinel && value != wide)
            run.problem({}, std::string{"the end record and the Zip64 end record disagree about the "} + what);
        value = wide;
    };
    auto on_disk = std::uint64_t{load_le<std::uint16_t>(end_record + 8)};
    take(on_disk, 0xFFFFU, 24, "number of entries on this volume");
    take(out.entries, 0xFFFFU, 32, "number of entries");
    take(out.directory_bytes, 0xFFFFFFFFU, 40, "size of the directory");
    take(out.directory_offset, 0xFFFFFFFFU, 48, "place of the directory");
    if (on_disk != out.entries) run.problem({}, "the Zip64 end record counts its entries in two ways");
    out.start = record_offset;
    return {};
}

}  // namespace

result<bool> ends_like_zip(input_file& file) {
    auto const bytes = read_tail(file);
    if (!bytes) return failure{bytes.error()};
    return bytes->last_end_record(true).has_value();
}

result<std::optional<zip_end>> find_zip_end(session& run, input_file& file) {
    auto const bytes = read_tail(file);
    if (!bytes) return bytes.error();
    auto found = bytes->last_end_record(true);
    if (!found) found = bytes->last_end_record(false);
    if (!found) return std::optional<zip_end>{};
    check_comment(run, *bytes, *found);
    auto const* const record = bytes->bytes.data() + found->at;
    zip_end out;
    out.start = bytes->offset + found->at;
    out.entries = load_le<std::uint16_t>(record + 10);
    out.directory_bytes = load_le<std::uint32_t>(record + 12);
    out.directory_offset = load_le<std::uint32_t>(record + 16);
    auto const volumes = load_le<std::uint32_t>(record + 4);  // this one, and the directory's first
    if (volumes != 0 && volumes != 0xFFFFFFFFU) run.problem({}, "it is one volume of a split archive");
    if (load_le<std::uint16_t>(record + 8) != out.entries)
        run.problem({}, "the end record counts its entries in two ways");
    if (auto const done = apply_zip64(run, file, record, out.start, out); !done) return done.error();
    return std::optional<zip_end>{out};
}

}  // namespace submitit::archive::reader
