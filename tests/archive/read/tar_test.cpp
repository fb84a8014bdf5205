// SPDX-License-Identifier: Apache-2.0
// Tar by hand: header forms, extended headers, sparse maps, the end.
#include <doctest/doctest.h>

#include "archive/read/builders.hpp"
#include "archive/read/pax_records.hpp"
#include "archive/read/support.hpp"
#include "archive/read/tar_header.hpp"
#include "archive/read/tar_parser.hpp"

namespace submitit::archive::testing {
namespace {

using namespace reader;

struct fixture {
    temp_dir dir;

    std::string check(std::string_view bytes) const { return findings_of(dir, bytes, "case.tar"); }
    verify_report report(std::string_view bytes) const { return verified(dir.put("case.tar", bytes)); }
};

bool mentions(std::string const& text, std::string_view what) { return text.find(what) != std::string::npos; }

tar_fields of(std::string name, char type = '0', std::string link = {}) {
    tar_fields out;
    out.name = std::move(name);
    out.type = type;
    out.link = std::move(link);
    return out;
}

std::span<std::byte const> bytes_of(std::string_view text) { return std::as_bytes(std::span{text}); }

std::optional<std::uint64_t> number(std::string_view field) { return tar_number(bytes_of(field)); }

/// Names and kinds in order, and contents with holes expanded.
struct recorder final : entry_sink {
    std::vector<entry_info> entries;
    std::string content;
    void begin(entry_info const& entry) override {
        entries.push_back(entry);
        content.clear();
    }
    void data(std::span<std::byte const> bytes) override {
        for (auto const b : bytes) content.push_back(std::to_integer<char>(b));
    }
    void hole(std::uint64_t bytes) override { content.append(static_cast<std::size_t>(bytes), '\0'); }
    void end() override {}
};

}  // namespace

TEST_SUITE("archive/read/tar") {
    TEST_CASE("numbers are octal with space or NUL around them, or base 256") {
        CHECK(number(std::string{"0000644\0", 8}) == 0644);
        CHECK(number("   644  ") == 0644);
        CHECK(number("77777777777 ") == 077777777777ULL);
        CHECK(number(std::string(12, '\0')) == 0);
        CHECK(number(std::string{"\x80\0\0\0\0\0\0\1\0\0\0\0", 12}) == 1ULL << 32U);
        CHECK(number(std::string{"\x80\0\0\0\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 12}) == ~0ULL);
        CHECK_FALSE(number(std::string{"\x80\0\0\1\0\0\0\0\0\0\0\0", 12}).has_value());
        CHECK_FALSE(number(std::string(12, '\xFF')).has_value());
        CHECK_FALSE(number("0000x44 ").has_value());
        CHECK_FALSE(number("12 34   ").has_value());
        CHECK_FALSE(number("00000008").has_value());
    }

    TEST_CASE_FIXTURE(fixture, "every bit of a header block is covered") {
        auto const good = tar_entry(of("some/file"), "content") + tar_end();
        REQUIRE(check(good) == "");
        for (std::size_t bit = 0; bit < 512 * 8; ++bit) {
            auto bad = good;
            bad[bit / 8] = static_cast<char>(static_cast<unsigned char>(bad[bit / 8]) ^ (1U << (bit % 8)));
            // In the checksum's own field a digit can become another spelling of the same number.
            if (bit / 8 >= 148 && bit / 8 < 156 && tar_checksum_matches(tar_block{bytes_of(bad).first(512)})) continue;
            CAPTURE(bit);
            CHECK(check(bad) != "");
        }
    }

    TEST_CASE_FIXTURE(fixture, "names come from the prefix, a pax header or GNU's long name, in that order of rank") {
        recorder seen;
        verify_options const options;
        verify_report report;
        session run{options, report};
        tar_parser parser{run, seen};
        auto prefixed = of("name");
        prefixed.prefix = "some/prefix";
        auto gnu = of("name");
        gnu.prefix = "not a prefix in GNU's layout";
        gnu.magic = std::string{"ustar  \0", 8};
        auto const long_name = std::string(300, 'n');
        auto const tar = tar_entry(prefixed, "") + tar_entry(gnu, "") + pax_entry(pax_record("path", "pax/path")) +
                         tar_entry(prefixed, "") + tar_entry(of("././@LongLink", 'L'), long_name + '\0') +
                         tar_entry(of("././@LongLink", 'K'), "target" + long_name + '\0') +
                         tar_entry(of("name", '2'), "") + tar_entry(of("old/directory/", '\0'), "") + tar_end();
        // One byte at a time: nothing may depend on how the stream is cut.
        for (auto const b : bytes_of(tar)) parser.feed(std::span{&b, 1});
        parser.finish();
        CHECK(report.problem_count == 0);
        REQUIRE(seen.entries.size() == 5);
        CHECK(seen.entries[0].path == "some/prefix/name");
        CHECK(seen.entries[1].path == "name");
        CHECK(seen.entries[2].path == "pax/path");
        CHECK(seen.entries[3].path == long_name);
        CHECK(seen.entries[3].kind == 'l');
        CHECK(seen.entries[3].link_target == "target" + long_name);
        CHECK(seen.entries[4].kind == 'd');
    }

    TEST_CASE_FIXTURE(fixture, "a pax size beats the header's, and base 256 sizes are read") {
        auto header = tar_header_block(of("file"), 0);
        auto const body = prose(1000) + std::string(24, '\0');
        CHECK(check(pax_entry(pax_record("size", "1000")) + header + body + tar_end()) == "");
        CHECK(report(pax_entry(pax_record("size", "1000")) + header + body + tar_end()).content_bytes == 1000);
        auto wide = of("file");
        wide.size_field = std::string{"\x80\0\0\0\0\0\0\0\0\0\x03\xE8", 12};
        CHECK(report(tar_header_block(wide, 0) + body + tar_end()).content_bytes == 1000);
        wide.size_field = std::string{"\x80\0\0\0\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 12};
        CHECK(mentions(check(tar_header_block(wide, 0) + body + tar_end()), "has no valid size"));
        CHECK(mentions(check(pax_entry(pax_record("size", "18446744073709551615")) + header + body), "absurd size"));
    }

    TEST_CASE_FIXTURE(fixture, "links, directories and devices have no data whatever size they name") {
        for (char const type : {'1', '2', '3', '4', '5', '6'}) {
            CAPTURE(type);
            CHECK(check(tar_header_block(of("x", type, "y"), 12345) + tar_entry(of("next"), "data") + tar_end()) == "");
        }
    }

    TEST_CASE_FIXTURE(fixture, "the end is two zero blocks and zeros only") {
        auto const entry = tar_entry(of("file"), "data");
        CHECK(check(entry + tar_end() + std::string(8192, '\0')) == "");
        CHECK(mentions(check(entry), "does not end in two zero blocks"));
        CHECK(mentions(check(entry + std::string(512, '\0')), "one zero block instead of two"));
        CHECK(mentions(check(entry + std::string(512, '\0') + entry + tar_end()), "a lone zero block"));
        CHECK(mentions(check(entry + tar_end() + entry + tar_end()), "data behind the two zero blocks"));
        CHECK(mentions(check(entry + tar_end() + "x"), "data behind the two zero blocks"));
        CHECK(mentions(check(pax_entry(pax_record("path", "x")) + tar_end()), "followed by no entry"));
        CHECK(check(std::string(10240, '\0')) == "");
    }

    TEST_CASE_FIXTURE(fixture, "malformed extended headers are named") {
        auto const next = tar_entry(of("file"), "data") + tar_end();
        auto with = [&](std::string const& records) { return check(pax_entry(records) + next); };
        CHECK(with(pax_record("path", "x") + pax_record("comment", "y")) == "");
        CHECK(with(pax_record("SCHILY.xattr.user.x", std::string{"\0\n=binary", 9})) == "");
        CHECK(with(pax_record(std::string(2000, 'k'), std::string(200'000, 'v'))) == "");
        CHECK(mentions(with("8 path=x\n"), "does not end in a newline"));
        CHECK(mentions(with("path=x\n"), "no proper length"));
        CHECK(mentions(with("3 x"), "no proper length"));
        CHECK(mentions(with("5 xx\n"), "no \"=\""));
        CHECK(mentions(with("99 path=x\n"), "cut short"));
        CHECK(mentions(with("99999999999999999999 path=x\n"), "absurdly long"));
        CHECK(mentions(with(pax_record("size", "12a")), "the size in its pax header is no number"));
        CHECK(mentions(with(pax_record("size", "-1")), "the size in its pax header is no number"));
        CHECK(mentions(with(pax_record("path", std::string(100'000, 'p'))), "longer than 64 KiB"));
        CHECK(check(pax_entry(pax_record("comment", "a commit"), 'g') + next) == "");
    }

    TEST_CASE_FIXTURE(fixture, "sparse maps that contradict the data are found") {
        auto sparse = [](std::string const& map, std::string const& stored, std::string const& real_size) {
            auto padded = map + std::string((512 - map.size() % 512) % 512, '\0');
            return pax_entry(pax_record("GNU.sparse.major", "1") + pax_record("GNU.sparse.minor", "0") +
                             pax_record("GNU.sparse.name", "file") + pax_record("GNU.sparse.realsize", real_size)) +
                   tar_entry(of("GNUSparseFile.0/file"), padded + stored) + tar_end();
        };
        CHECK(check(sparse("2\n10\n4\n100\n0\n", "abcd", "100")) == "");
        CHECK(report(sparse("2\n10\n4\n100\n0\n", "abcd", "100")).content_bytes == 100);
        CHECK(mentions(check(sparse("1\n10\n4\n", "abcd", "13")), "reaches past its size"));
        CHECK(mentions(check(sparse("1\n10\n4\n", "abcde", "100")), "more data than its sparse map places"));
        CHECK(mentions(check(sparse("1\n10\n4\n", "abc", "100")), "less data than its sparse map places"));
        CHECK(mentions(check(sparse("2\n10\n4\n13\n1\n", "abcde", "100")), "overlapping extents"));
        CHECK(mentions(check(sparse("1\n10\nx\n", "abcd", "100")), "malformed sparse map"));
        CHECK(mentions(check(sparse("9\n10\n4\n", "", "100")), "malformed sparse map"));
        CHECK(mentions(check(sparse("1\n10\n99999999999999999999\n", "abcd", "100")), "absurd number"));
        auto const twice = pax_record("GNU.sparse.map", "0,5,3,5");
        CHECK(mentions(check(pax_entry(twice) + tar_entry(of("file"), "abcd") + tar_end()),
                       "extents in its pax header overlap"));
    }

    TEST_CASE_FIXTURE(fixture,
                      "a sparse map of a million extents is read in bounded memory and said not to be expanded") {
        std::string map = "1000000\n";
        for (unsigned i = 0; i < 1'000'000; ++i) map += std::to_string(i * 2) + "\n1\n";
        map += std::string((512 - map.size() % 512) % 512, '\0');
        auto const tar = pax_entry(pax_record("GNU.sparse.major", "1") + pax_record("GNU.sparse.realsize", "2000000")) +
                         tar_entry(of("file"), map + std::string(1'000'000, 'x')) + tar_end();
        CHECK(check(tar) == "");
        CHECK(report(tar).notes.size() == 1);
    }

    TEST_CASE_FIXTURE(fixture, "data that is cut short is measured") {
        auto const tar = tar_entry(of("file"), prose(5000)) + tar_end();
        CHECK(mentions(check(tar.substr(0, 512 + 1000)), "file: the archive ends 4000 bytes before its data does"));
        CHECK(mentions(check(tar.substr(0, 300)), ""));
    }

    TEST_CASE_FIXTURE(fixture, "damage in a header says where") {
        auto tar = tar_entry(of("first"), "data") + tar_entry(of("second"), "data") + tar_end();
        tar[1024 + 5] = 'X';
        CHECK(mentions(check(tar), "the header at byte 1024 (behind first) does not match its checksum"));
    }
}

}  // namespace submitit::archive::testing
