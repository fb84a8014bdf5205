// SPDX-License-Identifier: Apache-2.0
#include "archive/read/builders.hpp"

#include <doctest/doctest.h>
#include <xxhash.h>
#include <zlib.h>
#include <zstd.h>

namespace submitit::archive::testing {
namespace {

std::string little_endian(std::uint64_t value, std::size_t bytes) {
    std::string out;
    for (std::size_t i = 0; i < bytes; ++i) out.push_back(static_cast<char>((value >> (8 * i)) & 0xFFU));
    return out;
}

std::string octal(std::uint64_t value, std::size_t digits) {
    std::string out(digits, '0');
    for (auto at = digits; at-- > 0; value >>= 3U) out[at] = static_cast<char>('0' + (value & 7U));
    return out + '\0';
}

std::string zeros_to_block(std::size_t bytes) { return std::string((512 - bytes % 512) % 512, '\0'); }

}  // namespace

std::string le16(std::uint64_t value) { return little_endian(value, 2); }
std::string le32(std::uint64_t value) { return little_endian(value, 4); }
std::string le64(std::uint64_t value) { return little_endian(value, 8); }

void overwrite(std::string& bytes, std::size_t at, std::string_view with) { bytes.replace(at, with.size(), with); }

std::uint32_t crc_of(std::string_view bytes) {
    return static_cast<std::uint32_t>(
        ::crc32(0, reinterpret_cast<Bytef const*>(bytes.data()), static_cast<uInt>(bytes.size())));
}

std::string raw_deflate(std::string_view bytes) {
    ::z_stream z{};
    REQUIRE(::deflateInit2(&z, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    std::string out(::deflateBound(&z, static_cast<uLong>(bytes.size())), '\0');
    z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    z.avail_in = static_cast<uInt>(bytes.size());
    z.next_out = reinterpret_cast<Bytef*>(out.data());
    z.avail_out = static_cast<uInt>(out.size());
    REQUIRE(::deflate(&z, Z_FINISH) == Z_STREAM_END);
    out.resize(z.total_out);
    ::deflateEnd(&z);
    return out;
}

std::string gzip_member(std::string_view bytes, std::string_view extra) {
    std::string out{"\x1F\x8B\x08\0\0\0\0\0\0\x03", 10};
    if (!extra.empty()) {
        out[3] = 4;
        out += le16(extra.size()) + std::string{extra};
    }
    return out + raw_deflate(bytes) + le32(crc_of(bytes)) + le32(bytes.size());
}

std::string bgzf_member(std::string_view bytes) {
    auto out = gzip_member(bytes, std::string{"BC"} + le16(2) + le16(0));
    overwrite(out, 16, le16(out.size() - 1));
    return out;
}

std::string zstd_frame(std::string_view bytes, bool checksum, int window_log) {
    auto* const context = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, checksum ? 1 : 0);
    if (window_log != 0) {
        ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, window_log);
        ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
    }
    std::string out(ZSTD_compressBound(bytes.size()), '\0');
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    ZSTD_outBuffer to{out.data(), out.size(), 0};
    if (window_log == 0) ZSTD_CCtx_setPledgedSrcSize(context, bytes.size());
    // With the size unknown at first, the frame declares its window.
    if (window_log != 0) REQUIRE(!ZSTD_isError(ZSTD_compressStream2(context, &to, &in, ZSTD_e_continue)));
    REQUIRE(ZSTD_compressStream2(context, &to, &in, ZSTD_e_end) == 0);
    ZSTD_freeCCtx(context);
    out.resize(to.pos);
    return out;
}

std::string skippable_frame(std::uint32_t magic, std::string_view payload) {
    return le32(magic) + le32(payload.size()) + std::string{payload};
}

std::string seek_table_frame(std::vector<seek_entry> const& entries, bool hashes) {
    std::string payload;
    for (auto const& one : entries)
        payload += le32(one.compressed) + le32(one.content) + (hashes ? le32(one.hash) : "");
    payload += le32(entries.size()) + (hashes ? '\x80' : '\0') + le32(0x8F92EAB1U);
    return skippable_frame(0x184D2A5EU, payload);
}

std::uint64_t xxh64_of(std::string_view bytes) { return XXH64(bytes.data(), bytes.size(), 0); }

void seal_tar_header(std::string& tar, std::size_t at) {
    overwrite(tar, at + 148, "        ");
    unsigned sum = 0;
    for (std::size_t i = 0; i < 512; ++i) sum += static_cast<unsigned char>(tar[at + i]);
    overwrite(tar, at + 148, octal(sum, 6) + " ");
}

std::string tar_header_block(tar_fields const& fields, std::uint64_t size) {
    std::string out(512, '\0');
    overwrite(out, 0, std::string_view{fields.name}.substr(0, 100));
    overwrite(out, 100, octal(0644, 7) + octal(0, 7) + octal(0, 7));
    overwrite(out, 124, fields.size_field.empty() ? octal(size, 11) : fields.size_field);
    overwrite(out, 136, octal(1700000000, 11));
    out[156] = fields.type;
    overwrite(out, 157, fields.link);
    overwrite(out, 257, fields.magic);
    overwrite(out, 345, fields.prefix);
    seal_tar_header(out, 0);
    return out;
}

std::string tar_entry(tar_fields const& fields, std::string_view content) {
    return tar_header_block(fields, content.size()) + std::string{content} + zeros_to_block(content.size());
}

std::string pax_record(std::string_view key, std::string_view value) {
    auto const rest = 1 + key.size() + 1 + value.size() + 1;
    auto length = rest + 1;
    while (std::to_string(length).size() + rest != length) ++length;
    return std::to_string(length) + " " + std::string{key} + "=" + std::string{value} + "\n";
}

std::string pax_entry(std::string_view records, char type) {
    tar_fields fields;
    fields.name = "PaxHeaders/file";
    fields.type = type;
    return tar_entry(fields, records);
}

std::string tar_end() { return std::string(1024, '\0'); }

std::size_t zip_builder::add(zip_fields const& fields) {
    auto const stored = fields.method == 8    ? raw_deflate(fields.content)
                        : fields.method == 93 ? zstd_frame(fields.content)
                                              : fields.content;
    auto const crc = le32(crc_of(fields.content));
    auto const sizes = fields.zip64 ? le64(fields.content.size()) + le64(stored.size()) : "";
    auto const extra64 = fields.zip64 ? le16(1) + le16(16) + sizes : "";
    auto const sizes32 =
        fields.zip64 ? le32(0xFFFFFFFFU) + le32(0xFFFFFFFFU) : le32(stored.size()) + le32(fields.content.size());
    auto const common =
        le16(fields.zip64 ? 45 : 20) + le16(fields.descriptor ? 8 : 0) + le16(fields.method) + le32(0x58217000);
    auto const local_name = fields.local_name.empty() ? fields.name : fields.local_name;

    local_at.push_back(data_.size());
    data_ += le32(0x04034B50U) + common;
    if (!fields.descriptor) {
        data_ += crc + sizes32;
    } else {
        data_ += le32(0) + (fields.zip64 ? sizes32 : le64(0));
    }
    auto const local_extra64 = fields.descriptor && fields.zip64 ? le16(1) + le16(16) + le64(0) + le64(0) : extra64;
    data_ += le16(local_name.size()) + le16(local_extra64.size() + fields.local_extra.size()) + local_name +
             local_extra64 + fields.local_extra;
    data_at.push_back(data_.size());
    data_ += stored;
    descriptor_at.push_back(data_.size());
    if (fields.descriptor) {
        data_ += (fields.descriptor_signature ? le32(0x08074B50U) : "") + crc;
        data_ += fields.zip64 ? le64(stored.size()) + le64(fields.content.size())
                              : le32(stored.size()) + le32(fields.content.size());
    }
    central.push_back(le32(0x02014B50U) + le16(fields.made_by) + common + crc + sizes32 + le16(fields.name.size()) +
                      le16(extra64.size() + fields.central_extra.size()) + le16(0) + le16(0) + le16(0) +
                      le32(std::uint64_t{fields.mode} << 16U) + le32(local_at.back()) + fields.name + extra64 +
                      fields.central_extra);
    return central.size() - 1;
}

std::string zip_builder::finish(std::vector<std::size_t> const& order, bool zip64_end, std::string_view comment) {
    auto out = data_;
    auto const start = out.size();
    central_at.resize(central.size());
    for (std::size_t i = 0; i < central.size(); ++i) {
        auto const which = order.empty() ? i : order[i];
        central_at[which] = out.size();
        out += central[which];
    }
    auto const bytes = out.size() - start;
    if (zip64_end) {
        zip64_end_at = out.size();
        out += le32(0x06064B50U) + le64(44) + le16(0x033F) + le16(45) + le32(0) + le32(0) + le64(central.size()) +
               le64(central.size()) + le64(bytes) + le64(start);
        out += le32(0x07064B50U) + le32(0) + le64(zip64_end_at) + le32(1);
    }
    end_at = out.size();
    out += le32(0x06054B50U) + le16(0) + le16(0);
    out += zip64_end ? le16(0xFFFF) + le16(0xFFFF) + le32(0xFFFFFFFFU) + le32(0xFFFFFFFFU)
                     : le16(central.size()) + le16(central.size()) + le32(bytes) + le32(start);
    return out + le16(comment.size()) + std::string{comment};
}

}  // namespace submitit::archive::testing
