// SPDX-License-Identifier: Apache-2.0
#include "archive/tar/header.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <limits>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "archive/writers/fields.hpp"

TEST_SUITE_BEGIN("archive/writers tar header");

namespace submitit::archive::tar {
namespace {

using testing::fields;
using records = std::vector<std::pair<std::string, std::string>>;

walk::entry entry_named(std::string name, walk::entry_kind kind = walk::entry_kind::file) {
    walk::entry entry;
    entry.kind = kind;
    entry.name = std::move(name);
    entry.stat.mode = (kind == walk::entry_kind::directory ? S_IFDIR : S_IFREG) | 0644;
    entry.stat.uid = 1000;
    entry.stat.gid = 100;
    entry.stat.mtime = {1'700'000'000, 0};
    return entry;
}

/// Records of a pax header, by the length each one says of itself; those lengths must tile it.
records parse_pax(std::string const& text) {
    records all;
    for (std::size_t at = 0; at < text.size();) {
        auto const space = text.find(' ', at);
        REQUIRE(space != std::string::npos);
        auto const length = std::stoul(text.substr(at, space - at));
        REQUIRE(at + length <= text.size());
        REQUIRE(text[at + length - 1] == '\n');
        auto const record = text.substr(space + 1, at + length - 1 - space - 1);
        auto const equals = record.find('=');
        REQUIRE(equals != std::string::npos);
        all.emplace_back(record.substr(0, equals), record.substr(equals + 1));
        at += length;
    }
    return all;
}

std::uint64_t octal(fields const& block, std::size_t at, std::size_t length) {
    auto const text = block.text(at, length);
    CHECK(text.back() == '\0');
    CHECK(text.find_first_not_of("01234567") == length - 1);
    return std::stoull(text, nullptr, 8);
}

std::string terminated(fields const& block, std::size_t at, std::size_t length) {
    auto const text = block.text(at, length);
    return text.substr(0, text.find('\0'));
}

struct header {
    records pax;
    fields block{std::string{}};
    [[nodiscard]] std::string name() const {
        auto const prefix = terminated(block, 345, 155);
        return prefix.empty() ? terminated(block, 0, 100) : prefix + '/' + terminated(block, 0, 100);
    }
};

void check_block(fields const& block) {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < 512; ++i) sum += i >= 148 && i < 156 ? ' ' : block.u8(i);
    auto const text = block.text(148, 8);
    CHECK(text.substr(6) == std::string("\0 ", 2));
    CHECK(std::stoull(text.substr(0, 6), nullptr, 8) == sum);
    CHECK(block.text(257, 8) == std::string("ustar\0"
                                            "00",
                                            8));
    CHECK(block.text(500, 12) == std::string(12, '\0'));
}

header written(walk::entry const& entry, std::uint64_t size = 0, attribute_options const& options = {}) {
    std::vector<std::byte> bytes(header_bytes(entry, size, options), std::byte{0xAA});
    REQUIRE(write_header(entry, size, options, bytes) == bytes.size());
    fields const all{bytes};
    header made;
    made.block = all.part(all.size() - 512, 512);
    check_block(made.block);
    if (all.size() == 512) return made;

    auto const extended = all.part(0, 512);
    check_block(extended);
    CHECK(extended.text(156, 1) == "x");
    CHECK(octal(extended, 100, 8) == 0644);
    auto const length = octal(extended, 124, 12);
    CHECK(all.size() == 1024 + padded(length));
    made.pax = parse_pax(all.text(512, length));
    CHECK(all.text(512 + length, padded(length) - length) == std::string(padded(length) - length, '\0'));
    return made;
}

}  // namespace

TEST_CASE("a small file takes one block, its fields where POSIX puts them") {
    auto entry = entry_named("dir/file.txt");
    entry.stat.mode = S_IFREG | 06755;
    std::string const owner = "alice";
    std::string const group = "users";
    entry.owner = &owner;
    entry.group = &group;
    auto const made = written(entry, 1234);
    CHECK(made.pax.empty());
    auto const& block = made.block;
    CHECK(terminated(block, 0, 100) == "dir/file.txt");
    CHECK(octal(block, 100, 8) == 06755);
    CHECK(octal(block, 108, 8) == 1000);
    CHECK(octal(block, 116, 8) == 100);
    CHECK(block.text(124, 12) == std::string("00000002322\0", 12));
    CHECK(octal(block, 136, 12) == 1'700'000'000);
    CHECK(block.text(156, 1) == "0");
    CHECK(terminated(block, 157, 100).empty());
    CHECK(terminated(block, 265, 32) == "alice");
    CHECK(terminated(block, 297, 32) == "users");
    CHECK(octal(block, 329, 8) == 0);
    CHECK(octal(block, 337, 8) == 0);
    CHECK(terminated(block, 345, 155).empty());
}

TEST_CASE("each kind has its type flag, devices their numbers") {
    using walk::entry_kind;
    for (auto const& [kind, flag] : {std::pair{entry_kind::file, "0"},
                                     {entry_kind::hard_link, "1"},
                                     {entry_kind::symlink, "2"},
                                     {entry_kind::char_device, "3"},
                                     {entry_kind::block_device, "4"},
                                     {entry_kind::directory, "5"},
                                     {entry_kind::fifo, "6"}}) {
        auto entry = entry_named(kind == entry_kind::directory ? "d/" : "x", kind);
        entry.stat.rdev = ::gnu_dev_makedev(8, 17);
        if (kind == entry_kind::hard_link || kind == entry_kind::symlink) entry.link_target = "target";
        auto const block = written(entry).block;
        CHECK(block.text(156, 1) == flag);
        CHECK(octal(block, 124, 12) == 0);
        bool const device = kind == entry_kind::char_device || kind == entry_kind::block_device;
        CHECK(octal(block, 329, 8) == (device ? 8 : 0));
        CHECK(octal(block, 337, 8) == (device ? 17 : 0));
        CHECK(terminated(block, 157, 100) == entry.link_target);
    }
}

TEST_CASE("a name is split at a slash into 155 bytes of prefix and 100 of name, or goes into a pax record") {
    auto const with = [](std::size_t prefix, std::size_t rest) {
        return std::string(prefix, 'p') + '/' + std::string(rest, 'n');
    };
    struct edge {
        std::string name;
        bool fits;
        std::size_t prefix;
    };
    for (auto const& [name, fits, prefix] :
         {edge{std::string(99, 'n'), true, 0}, edge{std::string(100, 'n'), true, 0},
          edge{std::string(101, 'n'), false, 0}, edge{with(49, 50), true, 0}, edge{with(50, 50), true, 50},
          edge{with(1, 100), true, 1}, edge{with(1, 101), false, 0}, edge{with(54, 100), true, 54},
          edge{with(55, 100), true, 55}, edge{with(154, 1), true, 154}, edge{with(155, 1), true, 155},
          edge{with(156, 1), false, 0}, edge{with(154, 100), true, 154}, edge{with(155, 100), true, 155},
          edge{with(156, 100), false, 0}, edge{with(155, 101), false, 0}, edge{"/" + std::string(101, 'n'), false, 0},
          edge{"a/b/" + std::string(98, 'n'), true, 1},
          edge{"a/" + std::string(60, 'm') + '/' + std::string(60, 'n'), true, 62}}) {
        CAPTURE(name.size());
        auto const made = written(entry_named(name));
        if (fits) {
            CHECK(made.pax.empty());
            CHECK(made.name() == name);
            CHECK(terminated(made.block, 345, 155).size() == prefix);
        } else {
            CHECK(made.pax == records{{"path", name}});
            CHECK(terminated(made.block, 0, 100) == name.substr(0, 100));
            CHECK(terminated(made.block, 345, 155).empty());
        }
    }
}

TEST_CASE("a directory's slash counts, and is never the place of the split") {
    using walk::entry_kind;
    CHECK(written(entry_named(std::string(99, 'd') + '/', entry_kind::directory)).pax.empty());
    CHECK(written(entry_named(std::string(100, 'd') + '/', entry_kind::directory)).pax ==
          records{{"path", std::string(100, 'd') + '/'}});
    auto const nested = "p/" + std::string(99, 'd') + '/';
    CHECK(written(entry_named(nested, entry_kind::directory)).name() == nested);
    auto const deep = "p/" + std::string(100, 'd') + '/';
    CHECK(written(entry_named(deep, entry_kind::directory)).pax == records{{"path", deep}});
}

TEST_CASE("a pax record's length counts itself, also where its digits change") {
    for (auto const around : {9, 10, 99, 100, 101, 999, 1000, 1001, 9999, 10'000}) {
        for (int delta = -12; delta <= 12; ++delta) {
            auto const bytes = around + delta;
            if (bytes < 1) continue;
            auto entry = entry_named("x");
            entry.xattrs.push_back({"user.k", std::string(static_cast<std::size_t>(bytes), 'v')});
            auto const made = written(entry);  // parses by the lengths, which must tile the header
            REQUIRE(made.pax == records{{"SCHILY.xattr.user.k", std::string(static_cast<std::size_t>(bytes), 'v')}});
        }
    }
    // The shortest possible: "8 uid=1\n" would be enough for one digit, numbers that need a record are longer.
    auto entry = entry_named("x");
    entry.stat.uid = 2'097'152;
    CHECK(written(entry).pax == records{{"uid", "2097152"}});
}

TEST_CASE("times that are not whole seconds of 11 octal digits get a record with up to 9 digits") {
    struct sample {
        timestamp time;
        std::string record;
        std::uint64_t field;
    };
    for (auto const& [time, record, field] :
         {sample{{0, 0}, "", 0}, sample{{1'700'000'000, 1}, "1700000000.000000001", 1'700'000'000},
          sample{{1'700'000'000, 500'000'000}, "1700000000.5", 1'700'000'000}, sample{{5, 120'000'000}, "5.12", 5},
          sample{{0, 999'999'999}, "0.999999999", 0}, sample{{-1, 0}, "-1", 0}, sample{{-1, 500'000'000}, "-0.5", 0},
          sample{{-2, 1}, "-1.999999999", 0}, sample{{-2, 999'999'999}, "-1.000000001", 0},
          sample{{8'589'934'591, 0}, "", 8'589'934'591}, sample{{8'589'934'592, 0}, "8589934592", 0},
          sample{{std::numeric_limits<std::int64_t>::max(), 5}, "9223372036854775807.000000005", 0},
          sample{{std::numeric_limits<std::int64_t>::min(), 0}, "-9223372036854775808", 0}}) {
        CAPTURE(record);
        auto entry = entry_named("x");
        entry.stat.mtime = time;
        auto const made = written(entry);
        CHECK(made.pax == (record.empty() ? records{} : records{{"mtime", record}}));
        CHECK(octal(made.block, 136, 12) == field);
    }
}

TEST_CASE("sizes from 8 GiB on get a record") {
    constexpr std::uint64_t eight_gib = 8ULL << 30U;
    auto const entry = entry_named("big");
    auto const last = written(entry, eight_gib - 1);
    CHECK(last.pax.empty());
    CHECK(octal(last.block, 124, 12) == eight_gib - 1);
    CHECK(written(entry, eight_gib).pax == records{{"size", "8589934592"}});
    CHECK(octal(written(entry, eight_gib).block, 124, 12) == 0);
}

TEST_CASE("numbers and names of owners that ustar cannot hold get records") {
    auto entry = entry_named("x");
    entry.stat.uid = 2'097'151;
    entry.stat.gid = 2'097'151;
    std::string const fits(31, 'u');
    std::string const long_name(32, 'u');
    std::string const accented = "jos\xC3\xA9";
    entry.owner = &fits;
    CHECK(written(entry).pax.empty());
    CHECK(terminated(written(entry).block, 265, 32) == fits);

    entry.stat.gid = 4'294'967'294;
    entry.owner = &long_name;
    entry.group = &accented;
    auto const made = written(entry);
    CHECK(made.pax == records{{"gid", "4294967294"}, {"uname", long_name}, {"gname", accented}});
    CHECK(octal(made.block, 116, 8) == 0);
    CHECK(made.block.text(265, 32).back() == '\0');
}

TEST_CASE("link targets above 100 bytes get a record") {
    auto link = entry_named("l", walk::entry_kind::symlink);
    link.link_target = std::string(100, 't');
    CHECK(written(link).pax.empty());
    CHECK(terminated(written(link).block, 157, 100) == link.link_target);
    link.link_target += 't';
    CHECK(written(link).pax == records{{"linkpath", link.link_target}});
    auto hard = entry_named("h", walk::entry_kind::hard_link);
    hard.link_target = "dir/" + std::string(200, 'f');
    CHECK(written(hard).pax == records{{"linkpath", hard.link_target}});
}

TEST_CASE("UTF-8 names get a record, other bytes stand raw while they fit and declare themselves when they do not") {
    std::string const utf8 = "caf\xC3\xA9";
    std::string const latin = "caf\xE9";
    CHECK(written(entry_named(utf8)).pax == records{{"path", utf8}});
    CHECK(written(entry_named(latin)).pax.empty());
    CHECK(terminated(written(entry_named(latin)).block, 0, 100) == latin);
    auto const long_latin = std::string(120, 'x') + latin;
    CHECK(written(entry_named(long_latin)).pax == records{{"hdrcharset", "BINARY"}, {"path", long_latin}});

    auto link = entry_named("l", walk::entry_kind::symlink);
    link.link_target = latin;
    CHECK(written(link).pax.empty());
    CHECK(terminated(written(link).block, 157, 100) == latin);
    link.link_target = long_latin;
    link.name = utf8;
    CHECK(written(link).pax == records{{"hdrcharset", "BINARY"}, {"path", utf8}, {"linkpath", long_latin}});
}

TEST_CASE("extended attributes are stored as they are, and not again with a hard link") {
    auto entry = entry_named("x");
    std::string const binary("\0\n=\xFF", 4);
    entry.xattrs = {{"user.a", binary}, {"user.empty", ""}};
    CHECK(written(entry).pax == records{{"SCHILY.xattr.user.a", binary}, {"SCHILY.xattr.user.empty", ""}});
    entry.kind = walk::entry_kind::hard_link;
    entry.link_target = "first";
    CHECK(written(entry).pax.empty());
}

TEST_CASE("a pax header names no process and repeats the entry's time, so equal input gives equal bytes") {
    auto entry = entry_named("dir/sub/" + std::string(200, 'n'));
    std::vector<std::byte> bytes(header_bytes(entry, 0, {}));
    write_header(entry, 0, {}, bytes);
    fields const extended{bytes};
    CHECK(terminated(extended, 0, 100) == "PaxHeaders/" + std::string(89, 'n'));
    CHECK(octal(extended, 136, 12) == 1'700'000'000);
    CHECK(octal(extended, 108, 8) == 0);
}

TEST_CASE("attribute options change what is shown") {
    auto entry = entry_named("x");
    std::string const alice = "alice";
    entry.owner = entry.group = &alice;
    attribute_options reproducible;
    reproducible.reproducible = true;
    reproducible.mtime_max = 1'600'000'000;
    entry.stat.mtime.nanoseconds = 7;
    auto const plain = written(entry, 0, reproducible);
    CHECK(plain.pax.empty());
    CHECK(octal(plain.block, 108, 8) == 0);
    CHECK(octal(plain.block, 136, 12) == 1'600'000'000);
    CHECK(terminated(plain.block, 265, 32).empty());

    attribute_options given;
    given.uid = 5;
    given.gid = 6;
    given.owner = "bob";
    CHECK(octal(written(entry, 0, given).block, 108, 8) == 5);
    CHECK(octal(written(entry, 0, given).block, 116, 8) == 6);
    CHECK(terminated(written(entry, 0, given).block, 265, 32) == "bob");
    CHECK(terminated(written(entry, 0, given).block, 297, 32) == "alice");
    given.numeric_owner = true;
    CHECK(terminated(written(entry, 0, given).block, 265, 32).empty());
}

TEST_CASE("what is announced is what is written, for any entry") {
    auto const seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937_64 random{seed};
    auto const some_text = [&random](std::size_t longest) {
        static constexpr std::string_view letters = "abcdefgh/\xC3\xA9";
        std::string text(random() % (longest + 1), 'x');
        if (random() % 2 != 0)
            for (auto& c : text) c = letters[random() % letters.size()];
        return text;
    };
    for (int round = 0; round < 3000; ++round) {
        auto entry = entry_named('n' + some_text(400), static_cast<walk::entry_kind>(random() % 7));
        entry.link_target = some_text(random() % 2 != 0 ? 300 : 0);
        entry.stat.mtime = {static_cast<std::int64_t>(random()) >> random() % 64,
                            random() % 2 != 0 ? static_cast<std::uint32_t>(random() % 1'000'000'000) : 0};
        entry.stat.uid = static_cast<std::uint32_t>(random() >> random() % 64);
        entry.stat.gid = static_cast<std::uint32_t>(random() >> random() % 64);
        auto const owner = some_text(40);
        if (random() % 2 != 0) entry.owner = &owner;
        for (auto count = random() % 3; count > 0; --count)
            entry.xattrs.push_back({"user." + std::to_string(count), some_text(2000)});
        static_cast<void>(written(entry, random() >> random() % 64));  // checks sizes, sums and records
    }
}

}  // namespace submitit::archive::tar

TEST_SUITE_END();
