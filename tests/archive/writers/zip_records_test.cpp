// SPDX-License-Identifier: Apache-2.0
#include "archive/zip/records.hpp"

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

#include "archive/writers/fields.hpp"

TEST_SUITE_BEGIN("archive/writers zip records");

namespace submitit::archive::zip {
namespace {

using testing::fields;
using testing::zip_extras;

constexpr std::uint64_t four_gib = 1ULL << 32U;

member plain() {
    member of;
    of.name = "dir/file.txt";
    of.method = method_deflate;
    of.mode = 0100644;
    of.uid = 1000;
    of.gid = 70'000;
    of.mtime = {1'700'000'000, 5};
    of.dos_time = 0x1234;
    of.dos_date = 0x5678;
    of.crc = 0xCAFEBABE;
    of.packed_bytes = 300;
    of.content_bytes = 1000;
    return of;
}

fields local(member const& of) {
    std::vector<std::byte> bytes(local_header_bytes(of));
    REQUIRE(write_local_header(of, bytes) == bytes.size());
    return fields{bytes};
}

fields central(member const& of, std::uint64_t offset = 0) {
    std::vector<std::byte> bytes(central_record_bytes(of, offset));
    REQUIRE(write_central_record(of, offset, bytes) == bytes.size());
    CHECK(central_record_length(bytes) == bytes.size());
    return fields{bytes};
}

fields descriptor(member const& of) {
    std::vector<std::byte> bytes(descriptor_bytes_max);
    bytes.resize(write_descriptor(of, bytes));
    return fields{bytes};
}

fields end(std::uint64_t entries, std::uint64_t bytes, std::uint64_t offset) {
    std::vector<std::byte> out(end_bytes_max);
    out.resize(write_end({entries, bytes, offset}, out));
    return fields{out};
}

std::vector<testing::zip_extra> extras_of_local(fields const& header) {
    return zip_extras(header.part(30 + header.u16(26), header.u16(28)));
}
std::vector<testing::zip_extra> extras_of_central(fields const& record) {
    return zip_extras(record.part(46 + record.u16(28), record.u16(30)));
}

}  // namespace

TEST_CASE("a local header holds its fields where APPNOTE 4.3.7 puts them") {
    auto const header = local(plain());
    CHECK(header.text(0, 4) == "PK\x03\x04");
    CHECK(header.u16(4) == 20);
    CHECK(header.u16(6) == 0);
    CHECK(header.u16(8) == 8);
    CHECK(header.u16(10) == 0x1234);
    CHECK(header.u16(12) == 0x5678);
    CHECK(header.u32(14) == 0xCAFEBABE);
    CHECK(header.u32(18) == 300);
    CHECK(header.u32(22) == 1000);
    CHECK(header.u16(26) == 12);
    CHECK(header.text(30, 12) == "dir/file.txt");
    CHECK(header.size() == 30 + 12 + header.u16(28));
}

TEST_CASE("both headers carry the time (UT) and the owner (ux), alike") {
    for (auto const& extras : {extras_of_local(local(plain())), extras_of_central(central(plain()))}) {
        REQUIRE(extras.size() == 2);
        CHECK(extras[0].id == 0x5455);
        REQUIRE(extras[0].data.size() == 5);
        CHECK(extras[0].data.u8(0) == 1);
        CHECK(extras[0].data.u32(1) == 1'700'000'000);
        CHECK(extras[1].id == 0x7875);
        REQUIRE(extras[1].data.size() == 11);
        CHECK(extras[1].data.u8(0) == 1);
        CHECK(extras[1].data.u8(1) == 4);
        CHECK(extras[1].data.u32(2) == 1000);
        CHECK(extras[1].data.u8(6) == 4);
        CHECK(extras[1].data.u32(7) == 70'000);
    }
}

TEST_CASE("a central record holds its fields where APPNOTE 4.3.12 puts them") {
    auto of = plain();
    of.flags = flag_utf8;
    auto const record = central(of, 0x01020304);
    CHECK(record.text(0, 4) == "PK\x01\x02");
    CHECK(record.u16(4) == (3U << 8U | 63U));
    auto const header = local(of);
    CHECK(record.text(6, 22) == header.text(4, 22));  // version needed .. uncompressed size, as in the local header
    CHECK(record.u16(8) == 0x0800);
    CHECK(record.u16(28) == 12);
    CHECK(record.u16(32) == 0);
    CHECK(record.u16(34) == 0);
    CHECK(record.u16(36) == 0);
    CHECK(record.u32(38) == 0100644U << 16U);
    CHECK(record.u32(42) == 0x01020304);
    CHECK(record.text(46, 12) == "dir/file.txt");
}

TEST_CASE("directories are marked for DOS as well, and need version 2.0; stored files need 1.0") {
    auto of = plain();
    of.method = method_store;
    CHECK(local(of).u16(4) == 10);
    CHECK(central(of).u16(6) == 10);
    of.name = "dir/";
    of.mode = 040755;
    CHECK(local(of).u16(4) == 20);
    CHECK(central(of).u32(38) == ((040755ULL << 16U) | 0x10));
    of.mode = 0120777;
    CHECK(central(of).u32(38) == 0120777ULL << 16U);
}

TEST_CASE("a streamed header leaves CRC and sizes to the descriptor") {
    auto of = plain();
    of.flags = flag_descriptor;
    auto const header = local(of);
    CHECK(header.u16(4) == 20);
    CHECK(header.u16(6) == 0x0008);
    CHECK(header.text(14, 12) == std::string(12, '\0'));
    CHECK(central(of).u32(16) == 0xCAFEBABE);
    CHECK(central(of).u32(20) == 300);

    auto const after = descriptor(of);
    REQUIRE(after.size() == 16);
    CHECK(after.text(0, 4) == "PK\x07\x08");
    CHECK(after.u32(4) == 0xCAFEBABE);
    CHECK(after.u32(8) == 300);
    CHECK(after.u32(12) == 1000);
}

TEST_CASE("a streamed Zip64 header has zeros in the extra, and a descriptor of 64-bit sizes") {
    auto of = plain();
    of.flags = flag_descriptor;
    of.zip64_local = true;
    of.packed_bytes = four_gib + 1;
    of.content_bytes = four_gib + 2;
    auto const header = local(of);
    CHECK(header.u16(4) == 45);
    CHECK(header.u32(14) == 0);
    CHECK(header.u32(18) == 0xFFFFFFFF);
    CHECK(header.u32(22) == 0xFFFFFFFF);
    auto const extras = extras_of_local(header);
    REQUIRE(extras.size() == 3);
    CHECK(extras[0].id == 1);
    CHECK(extras[0].data.bytes() == std::string(16, '\0'));

    auto const after = descriptor(of);
    REQUIRE(after.size() == 24);
    CHECK(after.u64(8) == four_gib + 1);
    CHECK(after.u64(16) == four_gib + 2);
}

TEST_CASE("a Zip64 local header holds both sizes, uncompressed first, and full 32-bit slots") {
    auto of = plain();
    of.zip64_local = true;
    of.packed_bytes = 7;
    of.content_bytes = four_gib;
    auto const header = local(of);
    CHECK(header.u16(4) == 45);
    CHECK(header.u32(18) == 0xFFFFFFFF);
    CHECK(header.u32(22) == 0xFFFFFFFF);
    auto const extras = extras_of_local(header);
    REQUIRE(extras.size() == 3);
    CHECK(extras[0].id == 1);
    REQUIRE(extras[0].data.size() == 16);
    CHECK(extras[0].data.u64(0) == four_gib);
    CHECK(extras[0].data.u64(8) == 7);
}

TEST_CASE("a central record's Zip64 extra holds exactly the full fields, in the order of APPNOTE 4.5.3") {
    for (std::uint64_t const content : {std::uint64_t{0xFFFFFFFE}, std::uint64_t{0xFFFFFFFF}, four_gib}) {
        for (std::uint64_t const packed : {std::uint64_t{0xFFFFFFFE}, std::uint64_t{0xFFFFFFFF}, four_gib + 5}) {
            for (std::uint64_t const offset : {std::uint64_t{0xFFFFFFFE}, std::uint64_t{0xFFFFFFFF}, four_gib * 3}) {
                CAPTURE(content);
                CAPTURE(packed);
                CAPTURE(offset);
                auto of = plain();
                of.content_bytes = content;
                of.packed_bytes = packed;
                auto const record = central(of, offset);
                std::vector<std::uint64_t> expected;
                for (auto const value : {content, packed, offset})
                    if (value >= 0xFFFFFFFF) expected.push_back(value);
                CHECK(record.u32(24) == std::min<std::uint64_t>(content, 0xFFFFFFFF));
                CHECK(record.u32(20) == std::min<std::uint64_t>(packed, 0xFFFFFFFF));
                CHECK(record.u32(42) == std::min<std::uint64_t>(offset, 0xFFFFFFFF));
                CHECK(record.u16(6) == (expected.empty() ? 20 : 45));
                auto const extras = extras_of_central(record);
                REQUIRE(extras.size() == (expected.empty() ? 2 : 3));
                if (expected.empty()) continue;
                CHECK(extras[0].id == 1);
                std::vector<std::uint64_t> held;
                for (std::size_t at = 0; at < extras[0].data.size(); at += 8) held.push_back(extras[0].data.u64(at));
                CHECK(held == expected);
            }
        }
    }
}

TEST_CASE("a relocated record differs in its offset alone below 4 GiB, and gets a Zip64 extra from there on") {
    auto const of = plain();
    std::vector<std::byte> record(central_record_bytes(of, 100));
    write_central_record(of, 100, record);
    fields const before{record};
    std::vector<std::byte> moved(record.size() + relocation_growth_max);

    for (std::uint64_t const base : {std::uint64_t{0}, std::uint64_t{12'345}, std::uint64_t{0xFFFFFFFE - 100}}) {
        CAPTURE(base);
        fields const after{std::span{moved}.first(relocate_central_record(record, base, moved))};
        CHECK(after.u32(42) == base + 100);
        CHECK(after.text(0, 42) == before.text(0, 42));
        CHECK(after.bytes().substr(46) == before.bytes().substr(46));
    }
    for (std::uint64_t const base : {std::uint64_t{0xFFFFFFFF - 100}, four_gib * 5}) {
        CAPTURE(base);
        auto const bytes = relocate_central_record(record, base, moved);
        fields const after{std::span{moved}.first(bytes)};
        CHECK(bytes == record.size() + 12);
        CHECK(central_record_length(moved) == bytes);
        CHECK(after.u16(6) == 45);
        CHECK(after.u32(42) == 0xFFFFFFFF);
        CHECK(after.text(8, 22) == before.text(8, 22));
        CHECK(after.text(32, 10) == before.text(32, 10));
        auto const extras = extras_of_central(after);
        REQUIRE(extras.size() == 3);
        CHECK(extras[0].id == 1);
        REQUIRE(extras[0].data.size() == 8);
        CHECK(extras[0].data.u64(0) == base + 100);
        CHECK(extras[1].id == 0x5455);
        CHECK(after.text(46, 12) == "dir/file.txt");
    }
}

TEST_CASE("the end record alone holds up to 65,534 entries and 4 GiB - 2 bytes") {
    auto const last = end(65'534, 0xFFFFFFFE, 0xFFFFFFFE);
    REQUIRE(last.size() == 22);
    CHECK(last.text(0, 8) == std::string("PK\x05\x06\0\0\0\0", 8));
    CHECK(last.u16(8) == 65'534);
    CHECK(last.u16(10) == 65'534);
    CHECK(last.u32(12) == 0xFFFFFFFE);
    CHECK(last.u32(16) == 0xFFFFFFFE);
    CHECK(last.u16(20) == 0);
    CHECK(end(0, 0, 0).bytes() == std::string("PK\x05\x06", 4) + std::string(18, '\0'));
}

TEST_CASE("one value more and a Zip64 end record and locator stand before it") {
    struct edge {
        std::uint64_t entries, bytes, offset;
    };
    for (auto const& [entries, bytes, offset] :
         {edge{65'535, 10, 20}, edge{70'000, 7'000'000, 900}, edge{1, 0xFFFFFFFF, 5}, edge{1, 50, 0xFFFFFFFF},
          edge{3, four_gib + 1, four_gib * 2}}) {
        CAPTURE(entries);
        auto const last = end(entries, bytes, offset);
        REQUIRE(last.size() == 56 + 20 + 22);
        CHECK(last.text(0, 4) == "PK\x06\x06");
        CHECK(last.u64(4) == 44);
        CHECK(last.u16(12) == (3U << 8U | 63U));
        CHECK(last.u16(14) == 45);
        CHECK(last.u32(16) == 0);
        CHECK(last.u32(20) == 0);
        CHECK(last.u64(24) == entries);
        CHECK(last.u64(32) == entries);
        CHECK(last.u64(40) == bytes);
        CHECK(last.u64(48) == offset);
        CHECK(last.text(56, 4) == "PK\x06\x07");
        CHECK(last.u32(60) == 0);
        CHECK(last.u64(64) == offset + bytes);
        CHECK(last.u32(72) == 1);
        CHECK(last.text(76, 4) == "PK\x05\x06");
        CHECK(last.u16(84) == std::min<std::uint64_t>(entries, 0xFFFF));
        CHECK(last.u16(86) == std::min<std::uint64_t>(entries, 0xFFFF));
        CHECK(last.u32(88) == std::min<std::uint64_t>(bytes, 0xFFFFFFFF));
        CHECK(last.u32(92) == std::min<std::uint64_t>(offset, 0xFFFFFFFF));
    }
}

TEST_CASE("what is announced is what is written, for any member") {
    auto const seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937_64 random{seed};
    for (int round = 0; round < 2000; ++round) {
        std::string const name(1 + random() % 300, 'n');
        auto of = plain();
        of.name = name;
        of.method = random() % 2 != 0 ? method_deflate : method_store;
        of.flags = random() % 2 != 0 ? flag_descriptor : std::uint16_t{0};
        of.zip64_local = random() % 2 != 0;
        of.packed_bytes = random() >> random() % 64;
        of.content_bytes = random() >> random() % 64;
        of.mtime.seconds = static_cast<std::int64_t>(random()) >> random() % 64;
        REQUIRE(local(of).size() == 30 + name.size() + local(of).u16(28));
        auto const offset = random() >> random() % 64;
        REQUIRE(central(of, offset).size() == 46 + name.size() + central(of, offset).u16(30));
    }
}

}  // namespace submitit::archive::zip

TEST_SUITE_END();
