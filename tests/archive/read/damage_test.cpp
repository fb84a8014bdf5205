// SPDX-License-Identifier: Apache-2.0
// No damaged archive verifies clean unless it still decodes to the same contents.
#include <doctest/doctest.h>

#include <algorithm>
#include <random>

#include "archive/read/builders.hpp"
#include "archive/read/support.hpp"

namespace submitit::archive::testing {
namespace {

struct sample {
    std::string name;
    std::string bytes;
    std::vector<std::size_t>
        unprotected;  // bytes of metadata that no checksum of the format covers and no reader decodes
};

std::string small_tar() {
    tar_fields directory;
    directory.name = "dir/";
    directory.type = '5';
    return tar_entry(directory, "") + pax_entry(pax_record("path", "dir/a longer name")) +
           tar_entry({}, "content of a file\n") + tar_entry({}, "second") + tar_end();
}

sample zip_sample(std::string name, bool descriptor, bool zip64) {
    zip_builder zip;
    for (unsigned const method : {0U, 8U, 93U}) {
        zip_fields entry;
        entry.name = "entry-" + std::to_string(method);
        entry.content = prose(60);
        entry.method = method;
        entry.descriptor = descriptor && method != 0;
        entry.zip64 = zip64;
        zip.add(entry);
    }
    sample out{std::move(name), zip.finish({}, zip64), {}};
    for (auto const at : zip.central_at)
        for (unsigned const field : {4U, 5U, 36U, 37U, 38U, 39U, 40U, 41U})
            out.unprotected.push_back(at + field);  // made by, attributes
    return out;
}

std::vector<sample> samples() {
    auto const tar = small_tar();
    std::vector<sample> out;
    out.push_back({"a.tar.gz", gzip_member(tar), {}});
    out.push_back({"two-members.tar.gz", gzip_member(tar.substr(0, 700)) + gzip_member(tar.substr(700)), {}});
    auto const first = zstd_frame(tar.substr(0, 2000));
    auto const second = zstd_frame(tar.substr(2000));
    out.push_back({"a.tar.zst",
                   first + second + seek_table_frame({{first.size(), 2000, 0}, {second.size(), tar.size() - 2000, 0}}),
                   {}});
    out.push_back({"plain.tar.zst", zstd_frame(tar), {}});
    out.push_back(zip_sample("a.zip", false, false));
    out.push_back(zip_sample("descriptors.zip", true, false));
    out.push_back(zip_sample("zip64.zip", true, true));
    return out;
}

/// Every kind of header the parser knows.
std::string rich_tar() {
    tar_fields gnu;
    gnu.magic = std::string{"ustar  \0", 8};
    auto long_name = gnu;
    long_name.type = 'L';
    auto link = tar_fields{};
    link.type = '1';
    link.link = "dir/a longer name";
    // Old GNU sparse: three bytes at 600, and one extension block with two more at 700.
    auto sparse = gnu;
    sparse.type = 'S';
    auto block = tar_header_block(sparse, 5);
    overwrite(block, 386, "00000001130 00000000003 ");
    block[482] = 1;
    overwrite(block, 483, "00000001750 ");
    seal_tar_header(block, 0);
    std::string extension(512, '\0');
    overwrite(extension, 0, "00000001274 00000000002 ");
    auto const records = pax_record("GNU.sparse.major", "1") + pax_record("GNU.sparse.minor", "0") +
                         pax_record("GNU.sparse.name", "holes") + pax_record("GNU.sparse.realsize", "100");
    auto const map = "2\n10\n4\n100\n0\n" + std::string(512 - 13, '\0');
    auto const older = pax_record("GNU.sparse.size", "50") + pax_record("GNU.sparse.map", "0,2,40,2");
    return tar_entry(long_name, std::string(200, 'n') + '\0') + tar_entry(gnu, "content") + tar_entry(link, "") +
           block + extension + "abcde" + std::string(507, '\0') + pax_entry(records) + tar_entry({}, map + "abcd") +
           pax_entry(older) + tar_entry({}, "abcd") + small_tar();
}

/// One to six changes: bytes, runs of bytes, and pieces copied, removed or put in.
std::string mutated(std::string bytes, std::mt19937_64& random) {
    for (auto changes = 1 + random() % 6; changes-- > 0 && !bytes.empty();) {
        auto const at = random() % bytes.size();
        switch (random() % 6) {
            case 0: bytes[at] = static_cast<char>(random() & 0xFFU); break;
            case 1: bytes.erase(at, 1 + random() % 40); break;
            case 2: bytes.insert(at, noise(1 + random() % 40, random())); break;
            case 3: bytes.replace(at, std::min<std::size_t>(8, bytes.size() - at), std::string(8, '\xFF')); break;
            case 4: bytes.insert(at, bytes.substr(random() % bytes.size(), random() % 200)); break;
            default: bytes[at] = static_cast<char>(static_cast<unsigned char>(bytes[at]) ^ (1U << (random() % 8)));
        }
    }
    return bytes;
}

std::string contents_of(std::string_view archive) {
    std::string out;
    for (auto const& [name, content] : decoded(archive)) out += content;
    return out;
}

bool is_unprotected(sample const& one, std::size_t at) {
    return std::find(one.unprotected.begin(), one.unprotected.end(), at) != one.unprotected.end();
}

}  // namespace

TEST_SUITE("archive/read/damage") {
    TEST_CASE("every single flipped bit is found, or changes no name and no content") {
        temp_dir const dir;
        for (auto const& one : samples()) {
            CAPTURE(one.name);
            REQUIRE(findings_of(dir, one.bytes, one.name) == "");
            auto const truth = decoded(one.bytes);
            REQUIRE(truth.size() >= 3);
            std::size_t clean = 0;
            for (std::size_t bit = 0; bit < one.bytes.size() * 8; ++bit) {
                auto bad = one.bytes;
                bad[bit / 8] = static_cast<char>(static_cast<unsigned char>(bad[bit / 8]) ^ (1U << (bit % 8)));
                if (findings_of(dir, bad, one.name) != "") continue;
                ++clean;
                CAPTURE(bit / 8);
                CAPTURE(bit % 8);
                if (!is_unprotected(one, bit / 8)) CHECK(decoded(bad) == truth);
            }
            MESSAGE(one.name << ": " << clean << " of " << one.bytes.size() * 8
                             << " flips change nothing that is content");
            CHECK(clean * 8 < one.bytes.size() * 8);
        }
    }

    TEST_CASE("no archive cut short verifies clean") {
        temp_dir const dir;
        auto all = samples();
        all.push_back({"a.tar", small_tar(), {}});
        for (auto const& one : all) {
            CAPTURE(one.name);
            auto const truth = decoded(one.bytes);
            for (std::size_t length = 0; length < one.bytes.size(); ++length) {
                auto const cut = std::string_view{one.bytes}.substr(0, length);
                if (findings_of(dir, cut, one.name) != "") continue;
                CAPTURE(length);
                // Clean only where nothing but the seek table is gone: every frame is whole and the tar inside has its end.
                CHECK(one.name == "a.tar.zst");
                CHECK(decoded(cut) == truth);
            }
        }
    }

    TEST_CASE("a tar may lose what follows its two zero blocks") {
        temp_dir const dir;
        auto const tar = small_tar() + std::string(2048, '\0');
        CHECK(findings_of(dir, tar.substr(0, tar.size() - 1), "a.tar") == "");
        CHECK(findings_of(dir, tar.substr(0, tar.size() - 2048), "a.tar") == "");
        CHECK(findings_of(dir, tar.substr(0, tar.size() - 2049), "a.tar") != "");
    }

    TEST_CASE("thousands of random mutations neither crash nor pass as clean with other contents") {
        temp_dir const dir;
        auto const seed = std::random_device{}();
        CAPTURE(seed);
        std::mt19937_64 random{seed};
        auto const all = samples();
        verify_options options;
        options.against = dir.path();
        for (int round = 0; round < 5000; ++round) {
            auto const& one = all[random() % all.size()];
            auto bad = mutated(one.bytes, random);
            auto const path = dir.put(one.name, bad);
            static_cast<void>(findings(path, options));
            if (bad == one.bytes || findings(path) != "") continue;
            // Clean: then only what no checksum covers may have changed, which leaves the contents alone.
            if (bad.size() == one.bytes.size())
                for (auto const at : one.unprotected) bad[at] = one.bytes[at];
            CAPTURE(one.name);
            CHECK(contents_of(bad) == contents_of(one.bytes));
        }
    }

    TEST_CASE("a tar whose headers are made to match again after each mutation is survived") {
        temp_dir const dir;
        auto const seed = std::random_device{}();
        CAPTURE(seed);
        std::mt19937_64 random{seed};
        auto const good = rich_tar();
        REQUIRE(findings_of(dir, good, "a.tar") == "");
        verify_options options;
        options.against = dir.path();
        std::size_t parsed = 0;
        for (int round = 0; round < 3000; ++round) {
            auto bad = mutated(good, random);
            for (std::size_t at = 0; at + 512 <= bad.size(); at += 512)
                if (bad.compare(at + 257, 5, "ustar") == 0) seal_tar_header(bad, at);
            auto const path = dir.put("a.tar", bad);
            static_cast<void>(findings(path, options));
            if (auto const report = verify(path, {})) parsed += report->entries;
        }
        CHECK(parsed > 3000);
    }
}

}  // namespace submitit::archive::testing
