// SPDX-License-Identifier: Apache-2.0
#include "archive/tar/containers.hpp"

#include <doctest/doctest.h>

#include <map>
#include <string>
#include <vector>

#include "archive/read/support.hpp"
#include "archive/writers/assembled.hpp"
#include "archive/writers/fields.hpp"
#include "codec/crc32.hpp"

TEST_SUITE_BEGIN("archive/writers tar container");

namespace submitit::archive::tar {
namespace {

using namespace testing;
using contents = std::map<std::string, std::string>;
using strings = std::vector<std::string>;

constexpr std::uint64_t segment = 128 * 1024;

format_options options_for(format kind, int level = 6) {
    format_options options;
    options.kind = kind;
    options.level = level;
    return options;
}

std::vector<read_outcome> in_two(std::string const& whole) {
    return {{.bytes = whole.substr(0, segment)}, {.bytes = whole.substr(segment)}};
}

/// Some small files, a large one and the end.
void write_sample(assembled& tar) {
    auto const large = prose(segment + 700);
    tar.batch({{"a", "first"}, {"b", ""}, {"c", noise(600, 3)}});
    tar.large("large", large.size(), segment, in_two(large));
    tar.batch({{"z", prose(2000)}});
    tar.trailer();
}

contents sample() {
    return {{"a", "first"}, {"b", ""}, {"c", noise(600, 3)}, {"large", prose(segment + 700)}, {"z", prose(2000)}};
}

std::string clean(std::string const& archive, std::string_view name) {
    temp_dir const dir;
    return findings_of(dir, archive, name);
}

}  // namespace

TEST_CASE("a tar ends in two blocks of zeros and is a multiple of 10,240 bytes") {
    assembled tar{options_for(format::tar)};
    write_sample(tar);
    auto const stream_bytes = tar.output.size();
    auto const& archive = tar.finish();
    CHECK(stream_bytes % 512 == 0);
    CHECK(archive.size() % 10'240 == 0);
    CHECK(archive.size() - stream_bytes < 10'240);
    CHECK(archive.substr(stream_bytes - 1024) == std::string(archive.size() - stream_bytes + 1024, '\0'));
    CHECK(clean(archive, "x.tar").empty());
    CHECK(decoded(archive) == sample());
}

TEST_CASE("a tar that is a multiple of 10,240 bytes already is not padded") {
    assembled tar{options_for(format::tar)};
    tar.batch({{"a", std::string(10'240 - 512 - 1024, 'x')}});
    tar.trailer();
    REQUIRE(tar.output.size() == 10'240);
    CHECK(tar.finish().size() == 10'240);
}

TEST_CASE("a tar.gz is one member without name or time around the tar stream, with its CRC and length at the end") {
    assembled plain{options_for(format::tar)};
    write_sample(plain);
    auto const stream = plain.output;
    for (auto const& [level, xfl] : {std::pair{1, 4}, {6, 0}, {9, 2}}) {
        CAPTURE(level);
        assembled tar{options_for(format::tar_gz, level)};
        write_sample(tar);
        fields const archive{tar.finish()};
        CHECK(archive.text(0, 8) == std::string("\x1F\x8B\x08\0\0\0\0\0", 8));
        CHECK(archive.u8(8) == static_cast<std::uint64_t>(xfl));
        CHECK(archive.u8(9) == 3);
        CHECK(archive.text(archive.size() - 10, 2) == std::string("\x03\0", 2));
        CHECK(archive.u32(archive.size() - 8) == codec::crc32(0, std::as_bytes(std::span{stream})));
        CHECK(archive.u32(archive.size() - 4) == stream.size());
        CHECK(clean(archive.bytes(), "x.tar.gz").empty());
        CHECK(decoded(archive.bytes()) == sample());
    }
}

TEST_CASE("a tar.zst ends in a seek table with one line a frame") {
    assembled tar{options_for(format::tar_zst, 3)};
    write_sample(tar);
    auto const frames_end = tar.output.size();
    fields const archive{tar.finish()};
    constexpr std::size_t frames = 5;  // two batches, two segments, the trailer
    REQUIRE(archive.size() == frames_end + 8 + frames * 8 + 9);
    CHECK(archive.u32(frames_end) == 0x184D2A5E);
    CHECK(archive.u32(frames_end + 4) == frames * 8 + 9);
    auto const footer = archive.size() - 9;
    CHECK(archive.u32(footer) == frames);
    CHECK(archive.u8(footer + 4) == 0);
    CHECK(archive.u32(footer + 5) == 0x8F92EAB1);
    std::uint64_t packed = 0;
    std::uint64_t raw = 0;
    for (std::size_t i = 0; i < frames; ++i) {
        CHECK(archive.u32(packed) == 0xFD2FB528);  // a frame begins where the table says
        packed += archive.u32(frames_end + 8 + i * 8);
        raw += archive.u32(frames_end + 12 + i * 8);
    }
    CHECK(packed == frames_end);
    assembled plain{options_for(format::tar)};
    write_sample(plain);
    CHECK(raw == plain.output.size());
    CHECK(clean(archive.bytes(), "x.tar.zst").empty());
    CHECK(decoded(archive.bytes()) == sample());
}

TEST_CASE("a single frame has no seek table and reads back") {
    auto options = options_for(format::tar_zst, 3);
    options.single_frame = true;
    assembled tar{options};
    write_sample(tar);
    auto const& archive = tar.finish();
    CHECK(fields{archive}.u32(0) == 0xFD2FB528);
    CHECK(archive.find("\xB1\xEA\x92\x8F") == std::string::npos);
    CHECK(clean(archive, "x.tar.zst").empty());
    CHECK(decoded(archive) == sample());
}

TEST_CASE("a large file whose first segment was left out takes its other segments along") {
    auto const large = prose(segment + 700);
    for (auto const kind : {format::tar, format::tar_gz, format::tar_zst}) {
        assembled tar{options_for(kind, 3)};
        auto reads = in_two(large);
        reads[0] = {.bytes = "", .left_out = true};
        tar.large("gone", large.size(), segment, reads);
        tar.batch({{"z", "z"}});
        tar.trailer();
        auto const& archive = tar.finish();
        CHECK(decoded(archive) == contents{{"z", "z"}});
        CHECK(tar.notices.empty());
        CHECK(tar.files == 1);
        CHECK(tar.content_bytes == 1);
    }
}

TEST_CASE("missing bytes of a segment are zeros, told once; a modified file is told at its end") {
    auto const large = prose(segment + 700);
    assembled tar{options_for(format::tar)};
    auto reads = in_two(large);
    reads[0] = {.bytes = large.substr(0, 1000), .changed = true};
    reads[1] = {.bytes = "", .left_out = true};
    tar.large("hurt", large.size(), segment, reads);
    CHECK(tar.told() == strings{"damaged hurt"});
    auto moving = in_two(large);
    moving[0].changed = true;
    tar.large("moving", large.size(), segment, moving);
    CHECK(tar.told() == strings{"damaged hurt", "changed moving"});
    tar.trailer();
    auto expected = large.substr(0, 1000);
    expected.resize(large.size(), '\0');
    CHECK(decoded(tar.finish()) == contents{{"hurt", expected}, {"moving", large}});
}

TEST_CASE("entries of a batch close ranks when one is left out or came shorter") {
    assembled tar{options_for(format::tar)};
    tar.batch({assembled::file("a", 3000), assembled::file("b", 3000), assembled::file("c", 3000)},
              {{.bytes = std::string(3000, 'a'), .left_out = true},
               {.bytes = std::string(10, 'b')},
               {.bytes = std::string(3000, 'c')}});
    CHECK(tar.output.size() == 512 + 512 + 512 + 3072);
    tar.trailer();
    CHECK(decoded(tar.finish()) == contents{{"b", std::string(10, 'b')}, {"c", std::string(3000, 'c')}});
    CHECK(tar.content_bytes == 3010);
}

TEST_CASE("a file whose new time needs a pax header that has no room is stored with whole seconds") {
    for (timestamp const later : {timestamp{1'700'000'001, 5}, {-5, 0}, {std::int64_t{1} << 40U, 0}}) {
        assembled tar{options_for(format::tar)};
        tar.batch({assembled::file("a", 600)}, {{.bytes = std::string(600, 'a'), .new_mtime = later}});
        CHECK(tar.output.size() == 512 + 1024);
        tar.trailer();
        auto const& archive = tar.finish();
        CHECK(clean(archive, "x.tar").empty());
        CHECK(decoded(archive) == contents{{"a", std::string(600, 'a')}});
    }
}

TEST_CASE("a hard link whose first name was not stored is handed back, not written") {
    assembled tar{options_for(format::tar)};
    auto first = assembled::file("a", 10);
    first.stat.nlink = 2;
    first.stat.ino = 77;
    auto link = first;
    link.name = "b";
    link.kind = walk::entry_kind::hard_link;
    link.link_target = "a";
    auto const orphans = tar.batch({first, link}, {{.bytes = "", .left_out = true}}).orphans;
    CHECK(tar.output.empty());
    CHECK(tar.outcomes.has_failed({0, 77}));
    REQUIRE(orphans.size() == 1);
    CHECK(orphans[0].name == "b");
    CHECK(orphans[0].kind == walk::entry_kind::file);
}

}  // namespace submitit::archive::tar

TEST_SUITE_END();
