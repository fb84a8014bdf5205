// SPDX-License-Identifier: Apache-2.0
#include "archive/zip/container.hpp"

#include <doctest/doctest.h>
#include <sys/mman.h>

#include <map>
#include <random>
#include <string>
#include <vector>

#include "archive/read/support.hpp"
#include "archive/writers/assembled.hpp"
#include "archive/writers/fields.hpp"
#include "archive/zip/records.hpp"

TEST_SUITE_BEGIN("archive/writers zip container");

namespace submitit::archive::zip {
namespace {

using namespace testing;
using contents = std::map<std::string, std::string>;
using strings = std::vector<std::string>;

constexpr std::uint64_t segment = 128 * 1024;
constexpr std::uint64_t four_gib = 1ULL << 32U;

format_options zip_options(bool seekable) {
    format_options options;
    options.kind = format::zip;
    options.seekable = seekable;
    return options;
}

/// `whole` in three segments.
std::vector<read_outcome> in_three(std::string const& whole) {
    return {{.bytes = whole.substr(0, segment)},
            {.bytes = whole.substr(segment, segment)},
            {.bytes = whole.substr(2 * segment)}};
}

std::string clean(std::string const& archive) {
    temp_dir const dir;
    return findings_of(dir, archive, "x.zip");
}

/// Address space that looks like `bytes` of payload; nobody may read it.
class phantom {
public:
    explicit phantom(std::size_t bytes)
        : bytes_{bytes}, at_{::mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)} {
        REQUIRE(at_ != MAP_FAILED);
    }
    ~phantom() { ::munmap(at_, bytes_); }
    phantom(phantom const&) = delete;
    phantom& operator=(phantom const&) = delete;
    [[nodiscard]] std::span<std::byte const> span() const { return {static_cast<std::byte const*>(at_), bytes_}; }

private:
    std::size_t bytes_;
    void* at_;
};

/// The end of an archive: every piece that finish() gives.
std::string end_of(container& made) {
    std::string all;
    for (;;) {
        output_list list;
        auto const more = made.finish(list);
        REQUIRE(more.has_value());
        if (!*more) return all;
        for (auto const piece : list.pieces) all.append(reinterpret_cast<char const*>(piece.data()), piece.size());
    }
}

}  // namespace

TEST_CASE("batches and large files read back, from a file and from a stream") {
    auto const large = prose(2 * segment + 5000);
    for (bool const seekable : {true, false}) {
        CAPTURE(seekable);
        assembled zip{zip_options(seekable)};
        zip.batch({{"a", "first"}, {"b", ""}, {"c", noise(3000, 1)}});
        zip.large("large", large.size(), segment, in_three(large));
        zip.batch({{"z", prose(10'000)}});
        auto const& archive = zip.finish();
        CHECK(clean(archive).empty());
        CHECK(decoded(archive) ==
              contents{{"a", "first"}, {"b", ""}, {"c", noise(3000, 1)}, {"large", large}, {"z", prose(10'000)}});
        CHECK(zip.files == 5);
        CHECK(zip.cuts == 0);
        CHECK(zip.patches == (seekable ? 1 : 0));
        CHECK((archive.find("PK\x07\x08") != std::string::npos) == !seekable);
    }
}

TEST_CASE("an empty archive is an end record alone") {
    assembled zip{zip_options(true)};
    CHECK(zip.finish().size() == 22);
}

TEST_CASE("sizes and CRC of a small entry are in its local header, also on a stream") {
    assembled zip{zip_options(false)};
    zip.batch({{"text", prose(5000)}});
    fields const archive{zip.finish()};
    CHECK(archive.u16(6) == 0);
    CHECK(archive.u16(8) == 8);
    CHECK(archive.u32(14) != 0);
    CHECK(archive.u32(18) < 5000);
    CHECK(archive.u32(22) == 5000);
}

TEST_CASE("a large entry's header is patched in a file, and refers to a descriptor on a stream") {
    auto const large = prose(2 * segment + 5000);
    assembled file{zip_options(true)};
    file.large("large", large.size(), segment, in_three(large));
    fields const patched{file.finish()};
    CHECK(patched.u16(6) == 0);
    CHECK(patched.u32(22) == large.size());

    assembled stream{zip_options(false)};
    stream.large("large", large.size(), segment, in_three(large));
    fields const streamed{stream.finish()};
    CHECK(streamed.u16(6) == 0x0008);
    CHECK(streamed.u32(14) == 0);
    CHECK(streamed.u32(22) == 0);
    auto const after = streamed.bytes().find("PK\x07\x08");
    REQUIRE(after != std::string::npos);
    CHECK(streamed.u32(after + 4) == patched.u32(14));
    CHECK(streamed.u32(after + 8) == patched.u32(18));
    CHECK(streamed.u32(after + 12) == large.size());
    // Local header, data and descriptor, then the directory: nothing in between.
    CHECK(after + 16 == streamed.u32(streamed.size() - 6));
}

TEST_CASE("a file that cannot be read to its end is cut off again where the output seeks") {
    auto const large = noise(2 * segment + 5000, 7);
    for (std::size_t const failing : {std::size_t{0}, std::size_t{1}, std::size_t{2}}) {
        CAPTURE(failing);
        assembled zip{zip_options(true)};
        zip.batch({{"before", "kept"}});
        auto const length = zip.output.size();
        auto reads = in_three(large);
        reads[failing].bytes.resize(100);
        zip.large("broken", large.size(), segment, reads);
        CHECK(zip.output.size() == length);
        CHECK(zip.cuts == (failing == 0 ? 0 : 1));
        CHECK(zip.told() == strings{"unreadable broken"});
        CHECK(zip.files == 1);
        CHECK(zip.content_bytes == 4);
        zip.large("whole", large.size(), segment, in_three(large), true);
        zip.batch({{"z", "kept, too"}});
        auto const& archive = zip.finish();
        CHECK(clean(archive).empty());
        CHECK(decoded(archive) == contents{{"before", "kept"}, {"whole", large}, {"z", "kept, too"}});
        CHECK(zip.content_bytes == 4 + large.size() + 9);
    }
}

TEST_CASE("a file whose first segment was left out is gone without a word of the container") {
    auto const large = prose(2 * segment + 1);
    for (bool const seekable : {true, false}) {
        assembled zip{zip_options(seekable)};
        auto reads = in_three(large);
        reads[0] = {.bytes = "", .left_out = true};
        zip.large("gone", large.size(), segment, reads);
        CHECK(zip.output.empty());
        CHECK(zip.notices.empty());  // its reading was told of
        CHECK(zip.files == 0);
        CHECK(zip.content_bytes == 0);
        zip.batch({{"z", "z"}});
        CHECK(decoded(zip.finish()) == contents{{"z", "z"}});
    }
}

TEST_CASE("on a stream missing bytes are zeros, and the entry is damaged once") {
    auto const large = prose(2 * segment + 5000);
    assembled zip{zip_options(false)};
    auto reads = in_three(large);
    reads[1].bytes.resize(1000);
    reads[2] = {.bytes = "", .left_out = true, .changed = true};
    zip.large("hurt", large.size(), segment, reads);
    auto const& archive = zip.finish();
    CHECK(clean(archive).empty());
    auto expected = large.substr(0, segment + 1000);
    expected.resize(large.size(), '\0');
    CHECK(decoded(archive) == contents{{"hurt", expected}});
    CHECK(zip.told() == strings{"damaged hurt"});
}

TEST_CASE("a file that was modified while its segments were read is told once, at its end") {
    auto const large = prose(2 * segment + 5000);
    assembled zip{zip_options(true)};
    auto reads = in_three(large);
    reads[0].changed = reads[1].changed = true;
    zip.large("moving", large.size(), segment, reads);
    zip.finish();
    CHECK(zip.told() == strings{"changed moving"});
    CHECK(zip.files == 1);
}

TEST_CASE("a large file that shrank to nothing is an entry of nothing") {
    for (bool const seekable : {true, false}) {
        assembled zip{zip_options(seekable)};
        zip.large("empty", 0, segment, {{.bytes = ""}});
        auto const& archive = zip.finish();
        CHECK(clean(archive).empty());
        CHECK(decoded(archive) == contents{{"empty", ""}});
    }
}

TEST_CASE("names with bytes that readers will show differently are warned of") {
    assembled zip{zip_options(true)};
    zip.batch({{"back\\slash", ""}, {"latin\xE9", ""}, {"utf\xC3\xA9", ""}});
    CHECK(zip.told() == strings{"name_warning back\\slash", "name_warning latin\xE9"});
}

TEST_CASE("65,534 entries end without Zip64, 65,535 and 70,000 with it") {
    for (std::uint64_t const entries : {65'534U, 65'535U, 70'000U}) {
        CAPTURE(entries);
        assembled zip{zip_options(true)};
        std::vector<std::pair<std::string, std::string>> batch;
        for (std::uint64_t i = 0; i < entries; ++i) {
            batch.emplace_back(std::to_string(1'000'000 + i), "");
            if (batch.size() == 512 || i + 1 == entries) {
                zip.batch(batch);
                batch.clear();
            }
        }
        fields const archive{zip.finish()};
        auto const end = archive.size() - 22;
        bool const zip64 = entries >= 65'535;
        CHECK(archive.u16(end + 10) == std::min<std::uint64_t>(entries, 65'535));
        CHECK((archive.text(end - 20, 4) == "PK\x06\x07") == zip64);
        auto const directory = archive.u32(end + 16);
        CHECK(directory + archive.u32(end + 12) == end - (zip64 ? 76 : 0));
        temp_dir const dir;
        auto const report = verified(dir.put("x.zip", archive.bytes()));
        CHECK(report.problem_count == 0);
        CHECK(report.entries == entries);
    }
}

TEST_CASE("entries behind 4 GiB have their offsets in Zip64 extras, those before do not") {
    phantom const big{four_gib};
    auto made = make_container({}, true, 1U << 20U);
    member of;
    of.name = "x";
    of.mode = 0100644;
    std::vector<std::byte> record(central_record_bytes(of, 5));
    write_central_record(of, 5, record);
    plan::ticket batch;
    output_list list;
    for (auto const payload :
         {big.span().first(100), big.span().first(four_gib - 1 - 105), big.span().first(1), big.span().first(50)}) {
        list.clear();
        encoded done;
        done.payload = payload;
        done.directory = record;
        REQUIRE(made->append(batch, done, list));
    }
    // Headers at 5, 105, 0xFFFFFFFF - 5 + 5 = 0xFFFFFFFF, and one more.
    fields const end{end_of(*made)};
    std::vector<std::uint64_t> offsets;
    std::size_t at = 0;
    for (int i = 0; i < 4; ++i) {
        REQUIRE(end.text(at, 4) == "PK\x01\x02");
        auto const extras = zip_extras(end.part(at + 46 + end.u16(at + 28), end.u16(at + 30)));
        offsets.push_back(end.u32(at + 42) == 0xFFFFFFFF ? extras.at(0).data.u64(0) : end.u32(at + 42));
        CHECK((extras.at(0).id == 1) == (offsets.back() >= 0xFFFFFFFF));
        at += 46 + end.u16(at + 28) + end.u16(at + 30);
    }
    CHECK(offsets == std::vector<std::uint64_t>{5, 105, 0xFFFFFFFF, 0x100000000});
    CHECK(end.u64(at + 48) == 0xFFFFFFFFULL - 5 + 1 + 50);
    CHECK(end.u64(at + 40) == at);
}

TEST_CASE("a large file's header has 64-bit sizes from the format's limit on, and behind 4 GiB always") {
    phantom const big{four_gib};
    struct edge {
        std::uint64_t before, declared;
        bool store, zip64;
    };
    for (auto const& [before, declared, store, zip64] :
         {edge{0, 0xFFFFFFFE, true, false}, edge{0, 0xFFFFFFFF, true, true}, edge{0, 0xFEFFFFFF, false, false},
          edge{0, 0xFF000000, false, true}, edge{0xFFFFFFFE, 10, true, false}, edge{0xFFFFFFFF, 10, true, true},
          edge{0xFFFFFFFF, 10, false, true}}) {
        CAPTURE(before);
        CAPTURE(declared);
        for (bool const seekable : {true, false}) {
            auto made = make_container({}, seekable, 1U << 20U);
            output_list list;
            if (before != 0) {
                encoded done;
                done.payload = big.span().first(before);
                REQUIRE(made->append({}, done, list));
            }
            plan::ticket ticket;
            ticket.kind = plan::ticket_kind::segment;
            ticket.large = std::make_shared<plan::large_file>();
            ticket.large->entry = assembled::file("x", declared);
            ticket.large->declared_bytes = declared;
            ticket.large->store = store;
            ticket.bytes = declared;
            ticket.last_segment = true;
            encoded done;
            done.payload = big.span().first(store ? declared : 10);
            done.content_bytes = declared;
            list.clear();
            REQUIRE(made->append(ticket, done, list));
            fields const header{list.pieces.at(0)};
            CHECK((header.u16(4) == 45) == zip64);
            CHECK((header.u32(22) == 0xFFFFFFFF) == zip64);
            CHECK(list.overwrite.has_value() == seekable);
            if (!seekable) {
                fields const descriptor{list.pieces.back()};
                CHECK(descriptor.size() == (zip64 ? 24 : 16));
                CHECK(descriptor.text(0, 4) == "PK\x07\x08");
                CHECK((zip64 ? descriptor.u64(16) : descriptor.u32(12)) == declared);
            } else {
                CHECK(list.overwrite->offset == before);
                CHECK(list.overwrite->bytes.size() == header.size());
            }
            fields const end{end_of(*made)};
            CHECK((end.u16(6) == 45) == zip64);
        }
    }
}

TEST_CASE("any mix of tickets is a clean archive of what was not left out") {
    auto const seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937 random{seed};
    for (int round = 0; round < 20; ++round) {
        bool const seekable = random() % 2 != 0;
        assembled zip{zip_options(seekable)};
        contents expected;
        for (int step = 0; step < 12; ++step) {
            auto const name = std::to_string(step);
            auto const size = 1 + random() % (3 * segment);
            auto const data = random() % 2 != 0 ? noise(size, random()) : prose(size);
            if (random() % 2 != 0) {
                bool const left_out = random() % 4 == 0;
                auto const shorter = random() % 4 == 0 ? data.substr(0, size / 2) : data;
                zip.batch({assembled::file(name, size), assembled::file(name + "-tail", 3)},
                          {{.bytes = shorter, .left_out = left_out}, {.bytes = "end"}});
                if (!left_out) expected[name] = shorter;
                expected[name + "-tail"] = "end";
                continue;
            }
            std::vector<read_outcome> reads;
            bool broken = false;
            auto stored = data;
            for (std::size_t at = 0; at < size; at += segment) {
                reads.push_back({.bytes = data.substr(at, segment)});
                if (random() % 8 != 0) continue;
                broken = true;
                std::fill(stored.begin() + static_cast<std::ptrdiff_t>(at),
                          stored.begin() + static_cast<std::ptrdiff_t>(std::min(at + segment, std::size_t{size})),
                          '\0');
                reads.back() = {.bytes = "", .left_out = at != 0};
            }
            zip.large(name, size, segment, reads, seekable && random() % 2 != 0);
            if (!broken || !seekable) expected[name] = stored;
        }
        auto const& archive = zip.finish();
        REQUIRE(clean(archive).empty());
        REQUIRE(decoded(archive) == expected);
        std::uint64_t bytes = 0;
        for (auto const& [name, data] : expected) bytes += data.size();
        CHECK(zip.content_bytes == bytes);
        CHECK(zip.files == expected.size());
    }
}

}  // namespace submitit::archive::zip

TEST_SUITE_END();
