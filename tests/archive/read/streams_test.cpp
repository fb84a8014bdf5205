// SPDX-License-Identifier: Apache-2.0
// gzip members and zstd frames by hand.
#include <doctest/doctest.h>

#include "archive/read/builders.hpp"
#include "archive/read/support.hpp"

namespace submitit::archive::testing {
namespace {

struct fixture {
    temp_dir dir;

    std::string check(std::string_view bytes, std::string_view name = "case.bin") const {
        return findings_of(dir, bytes, name);
    }
    verify_report report(std::string_view bytes) const { return verified(dir.put("case.bin", bytes)); }
};

bool mentions(std::string const& text, std::string_view what) { return text.find(what) != std::string::npos; }

std::string some_tar(std::size_t bytes) { return tar_entry({}, prose(bytes)) + tar_end(); }

/// A tar in frames of 1000 bytes of input, as our own writer makes them, with its seek table.
struct framed {
    std::string frames;
    std::vector<seek_entry> entries;
    std::vector<std::size_t> starts;

    explicit framed(std::string const& tar, bool checksum = true) {
        for (std::size_t at = 0; at < tar.size(); at += 1000) {
            auto const piece = std::string_view{tar}.substr(at, 1000);
            auto const frame = zstd_frame(piece, checksum);
            starts.push_back(frames.size());
            frames += frame;
            entries.push_back({frame.size(), piece.size(), xxh64_of(piece)});
        }
    }
};

}  // namespace

TEST_SUITE("archive/read/streams") {
    TEST_CASE_FIXTURE(fixture, "gzip members one after another are one stream") {
        auto const tar = some_tar(5000);
        auto const two = gzip_member(tar.substr(0, 3000)) + gzip_member({}) + gzip_member(tar.substr(3000));
        CHECK(check(two) == "");
        CHECK(report(two).format == "tar.gz");
        CHECK(report(two).content_bytes == 5000);
        CHECK(mentions(check(gzip_member(tar.substr(0, 3000))), "before its data does"));
    }

    TEST_CASE_FIXTURE(fixture, "anything behind the last gzip member is a problem, zeros too") {
        auto const good = gzip_member(prose(5000));
        CHECK(mentions(check(good + std::string(512, '\0')), "512 bytes behind the last gzip member"));
        CHECK(mentions(check(good + "junk that is long enough"), "no gzip member begins there"));
        CHECK(mentions(check(good + "\x1F"), "trailing bytes"));
    }

    TEST_CASE_FIXTURE(fixture, "a gzip trailer that lies is found") {
        auto const text = prose(5000);
        auto bad = gzip_member(text);
        overwrite(bad, bad.size() - 8, le32(crc_of(text) ^ 1U));
        CHECK(mentions(check(bad), "the content's CRC-32 is "));
        bad = gzip_member(text);
        overwrite(bad, bad.size() - 4, le32(5001));
        CHECK(mentions(check(bad), "the content is 5000 bytes, the gzip trailer says 5001"));
    }

    TEST_CASE_FIXTURE(fixture, "a gzip header's optional fields are stepped over, and its CRC is checked") {
        auto const plain = gzip_member(prose(500));
        std::string header{"\x1F\x8B\x08\x1E\0\0\0\0\0\x03", 10};
        header += le16(6) + std::string{"XY\x02\0ab", 6} + std::string{"name\0", 5} + std::string{"a comment\0", 10};
        auto const crc = crc_of(header) & 0xFFFFU;
        CHECK(check(header + le16(crc) + plain.substr(10)) == "");
        CHECK(mentions(check(header + le16(crc ^ 1U) + plain.substr(10)), "header CRC does not match"));
        auto reserved = plain;
        reserved[3] = 0x20;
        CHECK(mentions(check(reserved), "reserved flags"));
    }

    TEST_CASE_FIXTURE(fixture, "BGZF members must be as long as they say, and their end marker is missed") {
        auto const end = bgzf_member({});
        auto const good = bgzf_member(prose(3000)) + bgzf_member("more") + end;
        CHECK(check(good) == "");
        CHECK(report(good).notes.empty());
        CHECK(report(good.substr(0, good.size() - end.size())).notes.size() == 1);
        auto bad = good;
        bad[16] = static_cast<char>(bad[16] ^ 1);
        CHECK(mentions(check(bad), "its BGZF field says"));
    }

    TEST_CASE_FIXTURE(fixture, "frames with a true seek table are proven by both") {
        framed const parts{some_tar(5000)};
        CHECK(check(parts.frames + seek_table_frame(parts.entries)) == "");
        CHECK(report(parts.frames + seek_table_frame(parts.entries)).proof ==
              "xxHash of every frame and the seek table");
        CHECK(check(parts.frames + seek_table_frame(parts.entries, true)) == "");
        auto const note = skippable_frame(0x184D2A50U, "a note");
        auto with_note = parts.entries;
        with_note.insert(with_note.begin(), {note.size(), 0, 0});
        CHECK(check(note + parts.frames + seek_table_frame(with_note)) == "");
    }

    TEST_CASE_FIXTURE(fixture, "a seek table that lies in any field is found") {
        framed const parts{some_tar(5000)};
        for (std::size_t i = 0; i < parts.entries.size(); ++i) {
            for (int const field : {0, 1, 2}) {
                auto wrong = parts.entries;
                auto& value = field == 0 ? wrong[i].compressed : field == 1 ? wrong[i].content : wrong[i].hash;
                value ^= 1;
                CAPTURE(i);
                CAPTURE(field);
                CHECK(mentions(check(parts.frames + seek_table_frame(wrong, true)), "the seek table says"));
            }
        }
        auto wrong = parts.entries;
        wrong.pop_back();
        CHECK(mentions(check(parts.frames + seek_table_frame(wrong)), "is not in the seek table"));
        wrong = parts.entries;
        wrong.push_back({1, 1, 0});
        CHECK(mentions(check(parts.frames + seek_table_frame(wrong)), "names 1 frames more than there are"));
    }

    TEST_CASE_FIXTURE(fixture, "every bit of a seek table matters") {
        framed const parts{some_tar(2500)};
        auto const good = parts.frames + seek_table_frame(parts.entries, true);
        for (auto at = parts.frames.size(); at < good.size(); ++at) {
            for (unsigned bit = 0; bit < 8; ++bit) {
                auto bad = good;
                bad[at] = static_cast<char>(static_cast<unsigned char>(bad[at]) ^ (1U << bit));
                auto const in_descriptor = at == good.size() - 5 && bit < 2;  // two unused bits: decoders ignore them
                auto const in_magic = at == parts.frames.size() && bit < 4;   // another skippable frame's number
                CAPTURE(at);
                CAPTURE(bit);
                if (!in_descriptor) CHECK(check(bad) != "");
                if (in_magic) CHECK(mentions(check(bad), "seek table is unusable"));
            }
        }
    }

    TEST_CASE_FIXTURE(fixture, "a tar.zst cut at a frame border is found, with or without a seek table") {
        framed const parts{some_tar(5000)};
        for (auto const start : parts.starts) {
            if (start == 0) continue;
            CAPTURE(start);
            CHECK(check(parts.frames.substr(0, start)) != "");
            CHECK(check(parts.frames.substr(0, start) + seek_table_frame(parts.entries)) != "");
        }
        auto const hole = parts.frames.substr(0, parts.starts[2]) + parts.frames.substr(parts.starts[3]);
        CHECK(check(hole) != "");
        CHECK(check(parts.frames) == "");
    }

    TEST_CASE_FIXTURE(fixture, "frames without a checksum are said to be unproven") {
        framed const parts{some_tar(5000), false};
        CHECK(mentions(report(parts.frames).proof, "structure only"));
        CHECK(report(parts.frames + seek_table_frame(parts.entries, true)).proof ==
              "xxHash of every frame and the seek table");
        auto const mixed = zstd_frame("one", true) + zstd_frame("two", false) + zstd_frame("three", true);
        CHECK(report(mixed).proof == "xxHash of 2 of 3 frames; the others carry no checksum");
    }

    TEST_CASE_FIXTURE(fixture, "bytes that are no frame are found, before, between and behind") {
        auto const frame = zstd_frame(prose(100));
        CHECK(mentions(check(frame + "junk"), "is unusable"));
        CHECK(mentions(check(frame + std::string(40, '\0')), "no zstd frame begins there"));
        CHECK(mentions(check(frame + "junk that is long enough" + frame), "no zstd frame begins there"));
        CHECK(mentions(check(frame + skippable_frame(0x184D2A53U, "1234").substr(0, 11)),
                       "a skippable frame is cut short"));
    }

    TEST_CASE_FIXTURE(fixture, "a window larger than the memory allows is refused by number") {
        auto const wide = zstd_frame(prose(100), true, 26);
        verify_options options;
        options.memory_bytes = 32 << 20;
        auto const path = dir.put("case.zst", wide);
        CHECK(mentions(findings(path, options), "needs a zstd window of 64.0 MiB; the memory allowed leaves 24.0 MiB"));
        options.memory_bytes = 256 << 20;
        CHECK(findings(path, options) == "");
        auto absurd = wide;
        REQUIRE(static_cast<unsigned char>(absurd[5]) == (26 - 10) << 3);
        absurd[5] = static_cast<char>(31U << 3U);
        CHECK(mentions(findings(dir.put("case.zst", absurd), options), "needs a zstd window of 2.00 TiB"));
    }

    TEST_CASE_FIXTURE(fixture, "a name that promises a tar is believed when the content is too short to tell") {
        CHECK(mentions(check(gzip_member("short"), "case.tar.gz"), "ends inside a header"));
        CHECK(mentions(check(zstd_frame({}), "case.tar.zst"), "does not end in two zero blocks"));
        CHECK(check(zstd_frame({}), "case.zst") == "");
        CHECK(check(gzip_member(std::string(10240, '\0')), "case.tgz") == "");
    }
}

}  // namespace submitit::archive::testing
