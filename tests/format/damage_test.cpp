// SPDX-License-Identifier: Apache-2.0
// `verify` proves what this program wrote, and finds what happened to it since.
#include <doctest/doctest.h>
#include <unistd.h>
#include <zstd.h>

#include <map>
#include <random>

#include "support/archive_entries.hpp"
#include "support/program.hpp"
#include "support/temp_tree.hpp"

namespace submitit::testing {
namespace {

using names = std::vector<std::string>;

/// Small, so that a flipped bit hits something that matters; with everything that has a field of its own.
struct provable {
    temp_tree at;
    command here;

    provable() {
        at.put("src/text", prose(20'000));
        at.put("src/noise", noise(9'000, 1));
        at.put("src/empty");
        at.put("src/" + std::string(120, 'n'), "long name");
        at.symlink("src/link", "text");
        at.hard_link("src/twin", "src/noise");
        at.directory("src/directory");
        here.directory = at.path();
    }

    [[nodiscard]] std::string made(std::string const& suffix, names options = {}) const {
        options.insert(options.begin(), "src");
        REQUIRE(export_to("x" + suffix, std::move(options), here).status == 0);
        return at.read("x" + suffix);
    }
    /// Plain tar has no checksums of contents: there the source is the proof.
    [[nodiscard]] outcome verify(std::string const& name, std::string const& suffix) const {
        auto arguments = names{"verify", "-q", name};
        if (suffix == ".tar") arguments.insert(arguments.end(), {"--against", "src"});
        return submitit(arguments, here);
    }
};

/// Names, kinds, targets and contents, as libarchive reads them.
std::map<std::string, std::string> contents_of(std::string const& path) {
    std::map<std::string, std::string> all;
    for (auto const& entry : entries_of(path)) all[entry.name] = entry.kind + entry.target + '\n' + entry.content;
    return all;
}

/// Where each zstd frame ends; RFC 8878.
std::vector<std::size_t> frame_ends(std::string const& archive) {
    std::vector<std::size_t> ends;
    std::size_t at = 0;
    while (at < archive.size()) {
        auto const bytes = ::ZSTD_findFrameCompressedSize(archive.data() + at, archive.size() - at);
        REQUIRE(::ZSTD_isError(bytes) == 0U);
        at += bytes;
        ends.push_back(at);
    }
    return ends;
}

}  // namespace

TEST_SUITE("format/damage") {
    TEST_CASE("every format verifies, says how, and compares with its source") {
        provable const by;
        std::map<std::string, std::string> const proofs{
            {".zip", "CRC-32"}, {".tar", "structure only"}, {".tar.gz", "gzip CRC-32"}, {".tar.zst", "xxHash"}};
        for (auto const& [suffix, proof] : proofs) {
            CAPTURE(suffix);
            static_cast<void>(by.made(suffix));
            auto const done = submitit({"verify", "x" + suffix, "--json", "--against", "src"}, by.here);
            CHECK(done.status == 0);
            CHECK(done.err == "");
            auto const report = json_of(done.out);
            CHECK(number(report, {"exit_code"}) == 0);
            CHECK(number(report, {"problem_count"}) == 0);
            CHECK(number(report, {"entries"}) == 8);
            CHECK(number(report, {"archive_bytes"}) == by.at.read("x" + suffix).size());
            CHECK(contains(submitit({"verify", "x" + suffix}, by.here).out, proof));
        }
    }

    TEST_CASE("verify --against finds a file that differs, one that is missing and one too many: exit 5") {
        provable const by;
        for (std::string const suffix : all_suffixes) {
            CAPTURE(suffix);
            static_cast<void>(by.made(suffix));
            by.at.put("src/text", prose(19'999));
            by.at.put("src/new", "n");
            ::unlink((by.at / "src/empty").c_str());
            auto const done = submitit({"verify", "x" + suffix, "--against", "src"}, by.here);
            CHECK(done.status == 5);
            CHECK(lines_with(done.err, "text: ") == 1);
            CHECK(lines_with(done.err, "empty: ") == 1);
            by.at.put("src/text", prose(20'000));
            by.at.put("src/empty");
            ::unlink((by.at / "src/new").c_str());
            CHECK(submitit({"verify", "x" + suffix, "--against", "src"}, by.here).status == 0);
        }
    }

    TEST_CASE("of 200 flipped bits each is found, or changes no content") {
        std::uint64_t const seed = std::random_device{}();
        MESSAGE("bits flipped by seed ", seed);
        CAPTURE(seed);
        std::mt19937_64 random{seed};
        provable const by;
        for (std::string const suffix : all_suffixes) {
            CAPTURE(suffix);
            auto const good = by.made(suffix);
            auto const wanted = contents_of(by.at / ("x" + suffix));
            int found = 0;
            for (int round = 0; round < 200; ++round) {
                auto const bit = random() % (good.size() * 8);
                CAPTURE(bit);
                auto bad = good;
                bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << bit % 8));
                by.at.put("bad" + suffix, bad);
                auto const done = by.verify("bad" + suffix, suffix);
                CHECK(done.signal == 0);
                if (done.status == 0) {
                    CHECK(contents_of(by.at / ("bad" + suffix)) == wanted);
                } else {
                    CHECK(done.status == 5);
                    CHECK(done.err != "");
                    ++found;
                }
            }
            MESSAGE(suffix, ": ", found, " of 200 found, the others change no content");
            CHECK(found > 100);
        }
    }

    TEST_CASE("a flipped bit in the first bytes, by which readers know an archive, is damage") {
        provable const by;
        for (std::string const suffix : all_suffixes) {
            auto const good = by.made(suffix);
            for (std::size_t bit = 0; bit < 24; ++bit) {  // the fourth byte of gzip has a flag of no meaning
                CAPTURE(suffix);
                CAPTURE(bit);
                auto bad = good;
                bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << bit % 8));
                by.at.put("bad" + suffix, bad);
                CHECK(by.verify("bad" + suffix, suffix).status == 5);
            }
        }
    }

    TEST_CASE("a tar.zst cut at any frame's end is found, unless only the seek table is lost") {
        provable const by;
        by.at.put("src/large", noise(13'000'000, 2));
        auto const good = by.made(".tar.zst", {"-l", "1"});
        auto const wanted = contents_of(by.at / "x.tar.zst");
        auto const ends = frame_ends(good);
        REQUIRE(ends.size() >= 5);
        auto const content_end =
            ends[ends.size() - 2];  // then comes the seek table, which other writers' archives lack
        for (auto const end : ends) {
            CAPTURE(end);
            by.at.put("cut.tar.zst", good.substr(0, end));
            CHECK(by.verify("cut.tar.zst", ".tar.zst").status == (end >= content_end ? 0 : 5));
            if (end >= content_end) CHECK(contents_of(by.at / "cut.tar.zst") == wanted);
        }
    }

    TEST_CASE("an archive cut anywhere is found, and so is one with something after it") {
        provable const by;
        for (std::string const suffix : all_suffixes) {
            CAPTURE(suffix);
            auto const good = by.made(suffix);
            // A tar ends in two blocks of zeros and padding; without only the padding nothing is missing.
            auto const end = suffix == ".tar" ? good.find_last_not_of('\0') + 2 * 512 : good.size();
            for (std::size_t part = 1; part <= 24; ++part) {
                auto const bytes = end * part / 24 - 1;
                CAPTURE(bytes);
                by.at.put("cut" + suffix, good.substr(0, bytes));
                CHECK(by.verify("cut" + suffix, suffix).status == 5);
            }
            by.at.put("more" + suffix, good + "something after the end");
            CHECK(by.verify("more" + suffix, suffix).status == 5);
        }
    }

    TEST_CASE("what is no archive, or not there, is told from what is damaged") {
        provable const by;
        by.at.put("text", prose(3000));
        by.at.put("text.zip", prose(3000));
        by.at.put("empty.zip");
        CHECK(submitit({"verify", "text"}, by.here).status == 2);
        CHECK(submitit({"verify", "text.zip"}, by.here).status == 5);  // its name says that it was one
        CHECK(submitit({"verify", "empty.zip"}, by.here).status == 5);
        CHECK(submitit({"verify", "missing.zip"}, by.here).status == 3);
        CHECK(submitit({"verify", "src"}, by.here).status == 3);
        CHECK(submitit({"list", "text"}, by.here).status == 2);
        CHECK(submitit({"list", "missing.zip"}, by.here).status == 3);
    }

    TEST_CASE("verify works within -m, and refuses a window that does not fit") {
        provable const by;
        by.at.put("src/large", noise(9'000'000, 2));
        static_cast<void>(by.made(".tar.zst", {"-l", "19"}));
        CHECK(submitit({"verify", "x.tar.zst"}, by.here).status == 0);
        CHECK(submitit({"verify", "x.tar.zst", "-m", "1MiB"}, by.here).status != 0);
        CHECK(submitit({"verify", "x.tar.zst", "-m", "nonsense"}, by.here).status == 2);
    }

    TEST_CASE("list shows the same names as every other reader, with kinds, sizes and targets") {
        provable const by;
        for (std::string const suffix : all_suffixes) {
            CAPTURE(suffix);
            static_cast<void>(by.made(suffix));
            auto const listed = submitit({"list", "--json", "x" + suffix}, by.here);
            CHECK(listed.status == 0);
            auto const lines = lines_of(listed.out);
            auto const wanted = entries_of(by.at / ("x" + suffix));
            REQUIRE(lines.size() == wanted.size());
            for (std::size_t i = 0; i < lines.size(); ++i) {
                auto const one = json_of(lines[i]);
                CHECK(text(one, {"path"}) == wanted[i].name);
                CHECK(text(one, {"kind"}) == std::string(1, wanted[i].kind));
                CHECK(number(one, {"mode"}) == wanted[i].mode);
                if (wanted[i].kind == '-') CHECK(number(one, {"size"}) == wanted[i].content.size());
                if (!wanted[i].target.empty()) CHECK(text(one, {"link_target"}) == wanted[i].target);
            }
            CHECK(lines_of(submitit({"list", "--names", "x" + suffix}, by.here).out) ==
                  names_of(by.at / ("x" + suffix)));
        }
    }
}

}  // namespace submitit::testing
