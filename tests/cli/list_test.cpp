// SPDX-License-Identifier: Apache-2.0
// `list` and `verify` agree on what is an archive; and what both print is safe to look at.
#include <doctest/doctest.h>

#include <unistd.h>

#include "base/display_name.hpp"
#include "support/program.hpp"
#include "support/temp_tree.hpp"

namespace submitit::testing {
namespace {

using names = std::vector<std::string>;

/// Names with what a terminal would obey or not show: DEL, C1's CSI, an Arabic mark, zero width, both reversals, an
/// isolate, a word joiner, a byte order mark; and a byte that is not UTF-8.
names const deceptive_names{"del\x7F",         "c1\xC2\x9B",      "alm\xD8\x9C",      "zwsp\xE2\x80\x8B",
                            "rlm\xE2\x80\x8F", "ls\xE2\x80\xA8",  "rlo\xE2\x80\xAEx", "wj\xE2\x81\xA0",
                            "lri\xE2\x81\xA6", "bom\xEF\xBB\xBF", "esc\x1B[31m",      "latin\xE4"};

bool shows_controls(std::string_view text) {
    while (!text.empty()) {
        auto const length = utf8_sequence_length(text);
        if (length == 0 || (text.front() != '\n' && is_control_point(utf8_code_point(text.substr(0, length)))))
            return true;
        text.remove_prefix(length);
    }
    return false;
}

struct listing {
    temp_tree at;
    command here;

    listing() {
        at.put("src/text", prose(3000));
        here.directory = at.path();
    }
};

}  // namespace

TEST_SUITE("cli/list") {
    TEST_CASE("a flipped bit in the first bytes: list still lists all, or calls it damaged as verify does") {
        listing const from;
        for (std::string const suffix : all_suffixes) {
            REQUIRE(export_to("x" + suffix, {"src"}, from.here).status == 0);
            auto const good = from.at.read("x" + suffix);
            auto const listed = submitit({"list", "--names", "x" + suffix}, from.here).out;
            std::size_t found = 0;
            for (std::size_t bit = 0; bit < 24; ++bit) {
                CAPTURE(suffix);
                CAPTURE(bit);
                auto bad = good;
                bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << bit % 8));
                from.at.put("bad" + suffix, bad);
                auto const done = submitit({"list", "--names", "bad" + suffix}, from.here);
                CHECK(submitit({"verify", "bad" + suffix}, from.here).status == 5);
                if (done.status == 0) {
                    CHECK(done.out == listed);  // a zip's directory, at its end, has all the names
                    continue;
                }
                ++found;
                CHECK(done.status == 5);
                CHECK(lines_of(done.err).size() == 1);
                CHECK(contains(done.err, "bad" + suffix + ": "));
            }
            if (suffix != ".zip") CHECK(found == 24);
        }
    }

    TEST_CASE("list and verify give the same exit status for what cannot be read at all") {
        listing const from;
        REQUIRE(export_to("x.tar.zst", {"src"}, from.here).status == 0);
        from.at.put("text", prose(3000));
        from.at.put("text.zip", prose(3000));
        from.at.put("text.tzst", prose(3000));
        from.at.put("empty.zip");
        from.at.put("empty");
        from.at.put("cut.tar.zst", from.at.read("x.tar.zst").substr(0, 30));
        for (auto const& [name, status] : std::vector<std::pair<std::string, int>>{{"text", 2},
                                                                                   {"text.zip", 5},
                                                                                   {"text.tzst", 5},
                                                                                   {"empty.zip", 5},
                                                                                   {"empty", 5},
                                                                                   {"cut.tar.zst", 5},
                                                                                   {"missing.zip", 3},
                                                                                   {"src", 3}}) {
            for (std::string const command : {"list", "verify"}) {
                CAPTURE(name);
                CAPTURE(command);
                auto const done = submitit({command, name}, from.here);
                CHECK(done.status == status);
                CHECK(contains(done.err, name + ": "));
            }
        }
    }

    TEST_CASE("list --json: a line holds no control character, and says the name byte for byte") {
        listing const from;
        for (auto const& name : deceptive_names) from.at.put("src/" + name);
        for (std::string const suffix : {".tar", ".zip"}) {
            CAPTURE(suffix);
            CHECK(export_to("x" + suffix, {"src", "-q"}, from.here).status <= 1);
            auto const listed = submitit({"list", "--json", "x" + suffix}, from.here);
            REQUIRE(listed.status == 0);
            CHECK_FALSE(shows_controls(listed.out));
            CHECK(contains(listed.out, R"("path":"src/rlo\u202ex")"));
            CHECK(contains(listed.out, R"("path":"src/del\u007f")"));
            CHECK(contains(listed.out, R"("path":"src/bom\ufeff")"));
            CHECK(contains(listed.out, R"("path":"src/latin\\xe4","path_base64":"c3JjL2xhdGlu5A==")"));
            names found;
            for (auto const& line : lines_of(listed.out)) found.push_back(text(json_of(line), {"path"}));
            for (auto const& name : deceptive_names)
                if (is_utf8(name)) CHECK(std::find(found.begin(), found.end(), "src/" + name) != found.end());
            CHECK_FALSE(shows_controls(submitit({"list", "x" + suffix}, from.here).out));
            CHECK_FALSE(shows_controls(submitit({"list", "--names", "x" + suffix}, from.here).out));
        }
    }

    TEST_CASE("the JSON of export and verify shows no control character either, on whatever line a name comes") {
        listing const from;
        for (auto const& name : deceptive_names) from.at.fifo("src/" + name);
        auto const output = "out\xE2\x80\xAE.zip";
        auto const done = export_to(output, {"src", "--json", "--report", "report.json"}, from.here);
        CHECK(done.status == 1);
        CHECK_FALSE(shows_controls(done.out));
        CHECK_FALSE(shows_controls(done.err));
        CHECK(from.at.read("report.json") == done.out);
        CHECK(contains(done.out, R"("output":"out\u202e.zip")"));
        CHECK(text(json_of(done.out), {"output"}) == output);
        CHECK(number(json_of(done.out), {"notices", "special"}) == deceptive_names.size());
        CHECK(contains(done.out, R"("path":"src/c1\u009b")"));

        from.at.put("src/more\xE2\x80\xAE", "m");
        auto const verified = submitit({"verify", output, "--against", "src", "--json"}, from.here);
        CHECK(verified.status == 5);
        CHECK_FALSE(shows_controls(verified.out));
        CHECK(text(json_of(verified.out), {"archive"}) == output);
        CHECK(contains(verified.out, R"("path":"src/more\u202e")"));
        CHECK_FALSE(shows_controls(submitit({"doctor", "--json"}, from.here).out));
    }
}

}  // namespace submitit::testing
