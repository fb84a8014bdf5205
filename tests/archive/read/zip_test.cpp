// SPDX-License-Identifier: Apache-2.0
// Zips by hand: everything the directory, the local headers and the layout can disagree about.
#include <doctest/doctest.h>

#include "archive/read/builders.hpp"
#include "archive/read/extent_set.hpp"
#include "archive/read/support.hpp"

namespace submitit::archive::testing {
namespace {

struct fixture {
    temp_dir dir;

    std::string check(std::string_view bytes) const { return findings_of(dir, bytes, "case.zip"); }
    std::vector<std::string> notes(std::string_view bytes) const { return verified(dir.put("case.zip", bytes)).notes; }
};

zip_fields named(std::string name, std::string content = "some content\n") {
    zip_fields out;
    out.name = std::move(name);
    out.content = std::move(content);
    return out;
}

bool mentions(std::string const& text, std::string_view what) { return text.find(what) != std::string::npos; }

}  // namespace

TEST_SUITE("archive/read/zip") {
    TEST_CASE_FIXTURE(fixture, "every shape of entry is clean by itself") {
        for (unsigned const method : {0U, 8U, 93U}) {
            for (bool const descriptor : {false, true}) {
                for (bool const zip64 : {false, true}) {
                    CAPTURE(method);
                    CAPTURE(descriptor);
                    CAPTURE(zip64);
                    for (auto const size : {std::size_t{0}, std::size_t{1}, std::size_t{400'000}}) {
                        zip_builder zip;
                        auto entry = named("a", prose(size));
                        entry.method = method;
                        entry.descriptor = descriptor;
                        entry.zip64 = zip64;
                        zip.add(entry);
                        zip.add(named("b"));
                        CHECK(check(zip.finish({}, zip64)) == "");
                        CHECK(notes(zip.finish({}, zip64)).empty());
                    }
                }
            }
        }
    }

    TEST_CASE_FIXTURE(fixture, "an empty archive is clean") {
        zip_builder zip;
        CHECK(check(zip.finish()) == "");
        CHECK(check(zip.finish({}, true)) == "");
    }

    TEST_CASE_FIXTURE(fixture, "a local header that differs from the directory is a problem, field by field") {
        struct field {
            std::size_t at;
            char const* what;
        };
        static constexpr field fields[] = {{4, "version needed"},   {6, "flags"},     {8, "method"},
                                           {10, "DOS time"},        {12, "DOS time"}, {14, "CRC-32"},
                                           {18, "compressed size"}, {22, "size"},     {30, "the name"}};
        zip_builder zip;
        zip.add(named("first"));
        auto const good = zip.finish();
        for (auto const& one : fields) {
            auto bad = good;
            bad[one.at] = static_cast<char>(bad[one.at] ^ 0x10);
            CAPTURE(one.what);
            CHECK(mentions(check(bad), one.what));
        }
    }

    TEST_CASE_FIXTURE(fixture, "another name in the local header is named, with control characters escaped") {
        zip_builder zip;
        auto entry = named("safe.txt");
        entry.local_name = "evil\x1B[2J";
        zip.add(entry);
        CHECK(mentions(check(zip.finish()),
                       "safe.txt: its local header says the name is evil\\x1b[2J, the directory safe.txt"));
    }

    TEST_CASE_FIXTURE(fixture, "times and owners in the extra fields must agree") {
        auto time = [](unsigned t) { return "UT" + le16(5) + "\x01" + le32(t); };
        auto owner = [](unsigned uid) { return "ux" + le16(11) + "\x01\x04" + le32(uid) + "\x04" + le32(100); };
        for (bool const same : {true, false}) {
            zip_builder zip;
            auto entry = named("a");
            entry.local_extra = time(1000) + owner(1);
            entry.central_extra = time(same ? 1000 : 1001) + owner(same ? 1 : 2);
            zip.add(entry);
            auto const found = check(zip.finish());
            CHECK(mentions(found, "modification time") != same);
            CHECK(mentions(found, "owner") != same);
        }
        zip_builder zip;
        auto entry = named("a");
        entry.local_extra = "UT" + le16(9) + "\x01" + le32(1);
        zip.add(entry);
        CHECK(mentions(check(zip.finish()), "extra fields are malformed"));
    }

    TEST_CASE_FIXTURE(fixture, "a wrong descriptor is found, and the forms writers use are known") {
        for (bool const zip64 : {false, true}) {
            zip_builder zip;
            auto entry = named("a", prose(5000));
            entry.method = 8;
            entry.descriptor = true;
            entry.zip64 = zip64;
            zip.add(entry);
            zip.add(named("b"));
            auto const good = zip.finish();
            auto const end = zip.local_at[1];
            for (auto at = zip.descriptor_at[0]; at < end; ++at) {
                auto bad = good;
                bad[at] = static_cast<char>(bad[at] ^ 1);
                CAPTURE(at);
                CHECK(mentions(check(bad), "data descriptor"));
            }
        }
        zip_builder bare;
        auto entry = named("a");
        entry.descriptor = true;
        entry.descriptor_signature = false;
        bare.add(entry);
        bare.add(named("b"));
        CHECK(check(bare.finish()) == "");
        CHECK(notes(bare.finish()) == std::vector<std::string>{"data descriptors have no signature"});
    }

    TEST_CASE_FIXTURE(fixture, "two entries on the same data are refused before it is decoded twice") {
        zip_builder zip;
        zip.add(named("a", std::string(1'000'000, 'x')));
        zip.central.push_back(zip.central[0]);
        auto const path = dir.put("case.zip", zip.finish());
        CHECK(mentions(findings(path), "a: shares bytes of the archive with another entry"));
        CHECK(verified(path).content_bytes == 1'000'000);
    }

    TEST_CASE_FIXTURE(fixture, "an entry inside the data of another is refused") {
        zip_builder inner;
        inner.add(named("inner"));
        zip_builder zip;
        zip.add(named("outer", inner.finish()));
        zip.add(named("second"));
        zip.central.push_back(inner.central[0]);
        overwrite(zip.central.back(), 42, le32(zip.data_at[0]));
        CHECK(mentions(check(zip.finish()), "inner: shares bytes"));
    }

    TEST_CASE_FIXTURE(fixture, "another order in the directory is fine, and gaps are a note") {
        zip_builder zip;
        zip.add(named("a"));
        zip.add(named("b"));
        zip.add(named("c"));
        CHECK(check(zip.finish({2, 0, 1})) == "");
        CHECK(notes(zip.finish({2, 0, 1})).empty());

        zip_builder gappy;
        gappy.gap("stub in front");
        gappy.add(named("a"));
        gappy.gap("hole");
        gappy.add(named("b"));
        gappy.gap("tail");
        CHECK(check(gappy.finish()) == "");
        CHECK(notes(gappy.finish()) ==
              std::vector<std::string>{"21 bytes in front of the directory belong to no entry"});
    }

    TEST_CASE_FIXTURE(fixture, "content that differs from the directory is found") {
        for (unsigned const method : {0U, 8U, 93U}) {
            CAPTURE(method);
            zip_builder zip;
            auto entry = named("a", prose(3000));
            entry.method = method;
            zip.add(entry);
            auto longer = entry;
            longer.content = prose(3001);
            zip_builder other;
            other.add(longer);
            // Both headers claim the first CRC and size; the data is the longer one's.
            auto const good = zip.finish();
            auto bad = other.finish();
            auto const claims = good.substr(14, 4);
            for (auto const at : {std::size_t{14}, other.central_at[0] + 16}) overwrite(bad, at, claims);
            CHECK(mentions(check(bad), "a: CRC-32 is "));
            for (auto const at : {std::size_t{22}, other.central_at[0] + 24}) overwrite(bad, at, le32(3000));
            CHECK(mentions(check(bad),
                           method == 0 ? "holds more than the 3000 bytes" : "holds more than the 3000 bytes"));
            for (auto const at : {std::size_t{22}, other.central_at[0] + 24}) overwrite(bad, at, le32(3002));
            CHECK(mentions(check(bad), "decodes to 3001 bytes, the directory says 3002"));
        }
    }

    TEST_CASE_FIXTURE(fixture, "compressed bytes nobody needs are found") {
        zip_builder zip;
        auto entry = named("a", prose(3000));
        entry.method = 8;
        zip.add(entry);
        zip.gap("junk!");
        auto bad = zip.finish();
        auto const stored = zip.descriptor_at[0] - zip.data_at[0];
        for (auto const at : {std::size_t{18}, zip.central_at[0] + 20}) overwrite(bad, at, le32(stored + 5));
        CHECK(mentions(check(bad), "its deflate data ends 5 bytes early"));
        for (auto const at : {std::size_t{18}, zip.central_at[0] + 20}) overwrite(bad, at, le32(stored - 1));
        CHECK(mentions(check(bad), "its deflate data has no end"));
    }

    TEST_CASE_FIXTURE(fixture, "the end records must be exact") {
        zip_builder zip;
        zip.add(named("a"));
        zip.add(named("b"));
        auto const good = zip.finish();
        struct change {
            std::size_t at;
            std::string bytes;
            char const* what;
        };
        change const changes[] = {
            {4, le16(1), "split archive"},
            {8, le16(1), "counts its entries in two ways"},
            {8, le16(3) + le16(3), "holds 2 entries, the end record says 3"},
            {8, le16(1) + le16(1), "holds 2 entries, the end record says 1"},
            {12, le32(zip.end_at - zip.central_at[0] - 1), "1 byte apart"},
            {16, le32(zip.central_at[0] - 1), "1 byte apart"},
            {16, le32(zip.central_at[0] + 1), "behind itself"},
            {16, le32(0xFFFFFFF0U), "behind itself"},
            {20, le16(1), "inside its comment"},
        };
        for (auto const& one : changes) {
            auto bad = good;
            overwrite(bad, zip.end_at + one.at, one.bytes);
            CAPTURE(one.at);
            CHECK(mentions(check(bad), one.what));
        }
        CHECK(mentions(check(good + std::string(3, '\0')), "3 bytes follow the end record"));
        CHECK(mentions(check("#!/bin/sh\n" + good), "10 bytes apart"));
        CHECK(check(zip.finish({}, false, "a comment")) == "");
        auto hidden = zip.finish({}, false, good.substr(zip.end_at) + "x");
        CHECK(mentions(check(hidden), "hides in the archive's comment"));
    }

    TEST_CASE_FIXTURE(fixture, "the Zip64 end records must be exact") {
        zip_builder zip;
        zip.add(named("a"));
        auto const good = zip.finish({}, true);
        CHECK(check(good) == "");
        for (auto at = zip.zip64_end_at; at < zip.end_at; ++at) {
            auto const in_record = at - zip.zip64_end_at;
            if (in_record >= 12 && in_record < 16) continue;  // versions: nothing to check them by
            auto bad = good;
            bad[at] = static_cast<char>(bad[at] ^ 0x40);
            CAPTURE(in_record);
            CHECK(check(bad) != "");
        }
    }

    TEST_CASE_FIXTURE(fixture, "what cannot be proven is said, not passed over") {
        zip_builder zip;
        zip.add(named("a"));
        auto bad = zip.finish();
        for (auto const at : {std::size_t{8}, zip.central_at[0] + 10}) overwrite(bad, at, le16(95));
        CHECK(mentions(check(bad), "a: is compressed by method 95, which this program cannot decode"));
        bad = zip.finish();
        for (auto const at : {std::size_t{6}, zip.central_at[0] + 8}) overwrite(bad, at, le16(1));
        CHECK(mentions(check(bad), "a: is encrypted"));
    }

    TEST_CASE_FIXTURE(fixture, "offsets and sizes at the edges of their fields are refused, not followed") {
        zip_builder zip;
        auto entry = named("a");
        entry.zip64 = true;
        zip.add(entry);
        auto const good = zip.finish();
        auto const sizes = zip.central_at[0] + 46 + 1 + 4;
        for (std::uint64_t const value : {~0ULL, ~0ULL - 40, 1ULL << 63U, (1ULL << 32U) - 1, 1ULL << 32U}) {
            auto bad = good;
            overwrite(bad, sizes + 8, le64(value));
            CHECK(mentions(check(bad), "its data would reach into the directory"));
            if ((value & 0xFFFFFFFFU) == 0) continue;  // the offset it has
            bad = good;
            overwrite(bad, zip.central_at[0] + 42, le32(value));
            CHECK(check(bad) != "");
        }
    }

    TEST_CASE("an extent set knows overlaps in any order, merges neighbours and stays in its bound") {
        using reader::extent_set;
        extent_set set{2};
        CHECK(set.add(10, 20) == extent_set::added::fine);
        CHECK(set.add(30, 40) == extent_set::added::fine);
        CHECK(set.add(50, 60) == extent_set::added::full);
        CHECK(set.add(19, 21) == extent_set::added::overlaps);
        CHECK(set.add(29, 31) == extent_set::added::overlaps);
        CHECK(set.add(0, 100) == extent_set::added::overlaps);
        CHECK(set.add(12, 13) == extent_set::added::overlaps);
        CHECK(set.add(15, 15) == extent_set::added::fine);
        CHECK(set.add(20, 30) == extent_set::added::fine);
        CHECK(set.add(50, 60) == extent_set::added::fine);
        CHECK(set.covered_bytes() == 40);
    }
}

}  // namespace submitit::archive::testing
