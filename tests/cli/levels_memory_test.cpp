// SPDX-License-Identifier: Apache-2.0
// -l and -m: which values there are, and what they promise.
#include <doctest/doctest.h>

#include <unistd.h>

#include <map>

#include "base/sizes.hpp"
#include "codec/sample_data.hpp"
#include "support/archive_entries.hpp"
#include "support/program.hpp"
#include "support/temp_tree.hpp"

namespace submitit::testing {
namespace {

using names = std::vector<std::string>;

std::string_view as_text(codec::test::bytes const& bytes) {
    return {reinterpret_cast<char const*>(bytes.data()), bytes.size()};
}

/// Some of everything that people archive, about 4 MiB.
void put_mixed_sample(temp_tree const& at) {
    std::size_t number = 0;
    for (auto const kind : codec::test::all_kinds) {
        auto const stem = std::string{"mixed/"} + codec::test::name_of(kind);
        for (std::size_t const bytes :
             {std::size_t{300}, std::size_t{9'000}, std::size_t{70'000}, std::size_t{420'000}})
            at.put(stem + '-' + std::to_string(bytes), as_text(codec::test::make(kind, bytes, ++number)));
    }
}

struct sample {
    temp_tree at;
    command here;
    sample() { here.directory = at.path(); }

    [[nodiscard]] outcome to(std::string const& output, names arguments) const {
        return export_to(output, std::move(arguments), here);
    }
};

/// Program, libraries, thread stacks: what the process takes beside its budget. A sanitizer's shadow and quarantine are many
/// times that.
#ifdef SUBMITIT_SANITIZED
constexpr std::uint64_t beside_the_budget = 1 * GiB;
#else
constexpr std::uint64_t beside_the_budget = 16 * MiB;
#endif

int highest_level(std::string_view suffix) { return suffix == ".tar" ? 0 : suffix == ".tar.zst" ? 19 : 9; }

}  // namespace

TEST_SUITE("cli/levels and memory") {
    TEST_CASE("levels out of range, and -l with plain tar, are mistakes of usage") {
        sample const from;
        from.at.put("src/a", "a");
        std::map<std::string, names> const refused{
            {"x.zip", {"0", "10", "-1", "6.5", "six", "", " 6"}},
            {"x.tar.gz", {"0", "10", "store"}},
            {"x.tar.zst", {"0", "20", "store", "3x"}},
            {"x.tar", {"1", "6", "store"}},
        };
        for (auto const& [output, levels] : refused) {
            for (auto const& level : levels) {
                if (level.empty()) continue;
                CAPTURE(output);
                CAPTURE(level);
                auto const done = from.to(output, {"src", "--level=" + level});
                CHECK(done.status == 2);
                CHECK(lines_of(done.err).size() == 1);
                CHECK_FALSE(from.at.exists(output));
            }
        }
        CHECK(from.to("x.tar.zst", {"src", "-l", "1"}).status == 0);
        CHECK(from.to("x.zip", {"src", "-l", "9"}).status == 0);
    }

    TEST_CASE("a higher level never makes the output more than 1 % larger, and the defaults are 6, 6 and 3") {
        sample const from;
        put_mixed_sample(from.at);
        for (std::string const suffix : all_suffixes) {
            std::map<int, std::uint64_t> sizes;
            for (int level = 1; level <= highest_level(suffix); ++level) {
                auto const done = from.to("x" + suffix, {"mixed", "--json", "--no-sync", "-l", std::to_string(level)});
                REQUIRE(done.status == 0);
                sizes[level] = number(json_of(done.out), {"output_bytes"});
                CHECK(sizes[level] == from.at.read("x" + suffix).size());
                CAPTURE(suffix);
                CAPTURE(level);
                if (level > 1) CHECK(sizes[level] * 100 <= sizes[level - 1] * 101);
            }
            if (sizes.empty()) continue;
            auto const done = from.to("x" + suffix, {"mixed", "--json", "--no-sync"});
            int const level = suffix == ".tar.zst" ? 3 : 6;
            CHECK(number(json_of(done.out), {"level"}) == static_cast<std::uint64_t>(level));
            CHECK(number(json_of(done.out), {"output_bytes"}) == sizes[level]);
        }
    }

    TEST_CASE("-l store compresses nothing") {
        sample const from;
        from.at.put("src/text", prose(50'000));
        from.at.put("src/large", prose(2'500'000));
        auto const done = from.to("x.zip", {"src", "-l", "store", "--json"});
        REQUIRE(done.status == 0);
        CHECK(text(json_of(done.out), {"level"}) == "store");
        auto const all = from.at.read("x.zip");
        CHECK(contains(all, prose(50'000)));
        CHECK(contains(all, prose(2'500'000)));
        CHECK(entry_of(from.at / "x.zip", "src/large").content == prose(2'500'000));
    }

    TEST_CASE("-m is a size; nonsense is a mistake of usage") {
        sample const from;
        from.at.put("src/a", "a");
        for (std::string const size : {"0", "-1", "many", "64Mi B", "1e9", "99999999999999999999", "MiB"}) {
            CAPTURE(size);
            CHECK(from.to("x.zip", {"src", "--memory=" + size}).status == 2);
        }
        for (std::string const size : {"64MiB", "67108864", "64M", "1G"}) {
            CAPTURE(size);
            CHECK(from.to("x.zip", {"src", "-m", size}).status == 0);
        }
    }

    TEST_CASE(
        "a budget that cannot fit: exit 6 naming the number, and that number then works, one byte less does not") {
        sample const from;
        from.at.put("src/text", prose(300'000));
        from.at.put("src/large", prose(3'500'000));
        std::map<std::string, names> const runs{
            {"x.zip", {"6"}}, {"x.tar", {""}}, {"x.tar.gz", {"1", "9"}}, {"x.tar.zst", {"1", "3", "19"}}};
        for (auto const& [output, levels] : runs) {
            for (auto const& level : levels) {
                CAPTURE(output);
                CAPTURE(level);
                names arguments{"src", "--no-sync", "--json"};
                if (!level.empty()) arguments.insert(arguments.end(), {"-l", level});
                auto const with = [&](std::uint64_t bytes) {
                    auto all = arguments;
                    all.insert(all.end(), {"-m", std::to_string(bytes)});
                    return from.to(output, all);
                };
                auto const refused = with(1 * MiB);
                REQUIRE(refused.status == 6);
                CHECK_FALSE(from.at.exists(output));
                auto const at = refused.err.find("it takes ");
                REQUIRE(at != std::string::npos);
                auto const needed = std::stoull(refused.err.substr(at + 9));
                CHECK(with(needed - 1).status == 6);
                auto const done = with(needed);
                CHECK(done.status == 0);
                CHECK(number(json_of(done.out), {"workers"}) == 1);
                CHECK(number(json_of(done.out), {"memory", "limit_bytes"}) == needed);
                CHECK(number(json_of(done.out), {"memory", "high_water_bytes"}) <= needed);
                CHECK(entry_of(from.at / output, "src/large").content == prose(3'500'000));
                ::unlink((from.at / output).c_str());
            }
        }
    }

    TEST_CASE("the high water mark stays within -m, whatever it is, and the process within it and a constant") {
        sample const from;
        for (int i = 0; i < 300; ++i) from.at.put("src/small" + std::to_string(i), noise(20'000, 1));
        for (int i = 0; i < 3; ++i) from.at.put("src/large" + std::to_string(i), prose(7'000'000));
        for (std::string const suffix : all_suffixes) {
            for (std::uint64_t const budget : {16 * MiB, 32 * MiB, 64 * MiB, 512 * MiB}) {
                CAPTURE(suffix);
                CAPTURE(budget);
                auto const done =
                    from.to("x" + suffix, {"src", "--no-sync", "--json", "-j", "8", "-m", std::to_string(budget)});
                REQUIRE(done.status == 0);
                auto const report = json_of(done.out);
                CHECK(number(report, {"memory", "high_water_bytes"}) <= budget);
                CHECK(number(report, {"memory", "high_water_bytes"}) > 0);
                CHECK(number(report, {"memory", "peak_rss_bytes"}) <= budget + beside_the_budget);
            }
        }
    }

    TEST_CASE("peak memory is this program's own, not that of the process that started it") {
        sample const from;
        from.at.put("src/a", "a");
        std::vector<char> const ballast(std::size_t{200} << 20U, 'x');  // a child begins with these pages
        auto const done = from.to("x.tar", {"src", "--json", "-m", std::to_string(16 * MiB)});
        CHECK(ballast.back() == 'x');
        CHECK(number(json_of(done.out), {"memory", "peak_rss_bytes"}) < 16 * MiB + beside_the_budget);
    }

    TEST_CASE("the smallest budgets that doctor names are those that work, to the byte") {
        sample const from;
        from.at.put("src/a", prose(100'000));
        auto const told = json_of(submitit({"doctor", "--json"}, from.here).out);
        for (std::string const format : {"zip", "tar", "tar.gz", "tar.zst"}) {
            CAPTURE(format);
            auto const smallest = number(told, {"budgets", format, "smallest_bytes"});
            CHECK(from.to("x." + format, {"src", "-m", std::to_string(smallest)}).status == 0);
            CHECK(from.to("x." + format, {"src", "-m", std::to_string(smallest - 1)}).status == 6);
        }
    }
}

}  // namespace submitit::testing
