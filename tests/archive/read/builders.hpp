// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// Archives by hand, field by field, so that tests can make each of them wrong.
namespace submitit::archive::testing {

/// Little-endian bytes.
[[nodiscard]] std::string le16(std::uint64_t value);
[[nodiscard]] std::string le32(std::uint64_t value);
[[nodiscard]] std::string le64(std::uint64_t value);

[[nodiscard]] std::uint32_t crc_of(std::string_view bytes);
[[nodiscard]] std::string raw_deflate(std::string_view bytes);

/// One gzip member; `extra` becomes an FEXTRA field.
[[nodiscard]] std::string gzip_member(std::string_view bytes, std::string_view extra = {});
/// One BGZF member: its "BC" field tells its own size.
[[nodiscard]] std::string bgzf_member(std::string_view bytes);

/// One zstd frame.
[[nodiscard]] std::string zstd_frame(std::string_view bytes, bool checksum = true, int window_log = 0);
[[nodiscard]] std::string skippable_frame(std::uint32_t magic, std::string_view payload);
/// The seek table frame of these frames (compressed and content size, and hash when `hashes`).
struct seek_entry {
    std::uint64_t compressed = 0;
    std::uint64_t content = 0;
    std::uint64_t hash = 0;
};
[[nodiscard]] std::string seek_table_frame(std::vector<seek_entry> const& entries, bool hashes = false);
[[nodiscard]] std::uint64_t xxh64_of(std::string_view bytes);

/// A tar entry's header block with a right checksum, and a whole entry.
struct tar_fields {
    std::string name = "file";
    char type = '0';
    std::string link;
    std::string prefix;
    std::string size_field;  ///< 12 bytes instead of octal digits, when not empty
    std::string magic = std::string{
        "ustar\0"
        "00",
        8};
};
[[nodiscard]] std::string tar_header_block(tar_fields const& fields, std::uint64_t size);
[[nodiscard]] std::string tar_entry(tar_fields const& fields, std::string_view content);
[[nodiscard]] std::string pax_record(std::string_view key, std::string_view value);
[[nodiscard]] std::string pax_entry(std::string_view records, char type = 'x');
[[nodiscard]] std::string tar_end();
/// Gives the block at `at` the checksum it should have.
void seal_tar_header(std::string& tar, std::size_t at);

/// Where the two headers of a zip entry, its data and its descriptor can be told to lie.
struct zip_fields {
    std::string name = "a";
    std::string content = "content of a\n";
    unsigned method = 0;  ///< 0, 8 or 93; the data is made to fit
    bool descriptor = false;
    bool descriptor_signature = true;
    bool zip64 = false;      ///< sizes in Zip64 extras, in both headers
    std::string local_name;  ///< when not empty: instead of name
    std::string local_extra, central_extra;
    std::uint32_t made_by = 0x033F;
    std::uint32_t mode = 0100644;
};

/// A zip under construction. `add` gives the entry's number; positions of its records let a test change any field.
class zip_builder {
public:
    std::size_t add(zip_fields const& fields);
    void gap(std::string_view bytes) { data_ += bytes; }
    /// The directory in the order given (default: as added), and the end records.
    [[nodiscard]] std::string finish(std::vector<std::size_t> const& order = {}, bool zip64_end = false,
                                     std::string_view comment = {});

    std::vector<std::size_t> local_at, data_at, descriptor_at;
    std::vector<std::size_t> central_at;  ///< after finish()
    std::vector<std::string> central;     ///< records to come; offsets may be changed before finish()
    std::size_t end_at = 0, zip64_end_at = 0;

private:
    std::string data_;
};

/// Replaces bytes in place.
void overwrite(std::string& bytes, std::size_t at, std::string_view with);

}  // namespace submitit::archive::testing
