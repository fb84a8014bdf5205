// SPDX-License-Identifier: Apache-2.0
// `list` and `verify` agree on what is an archive.
#include <doctest/doctest.h>

#include <unistd.h>

#include "support/program.hpp"
#include "support/temp_tree.hpp"

namespace submitit::testing {
namespace {

using names = std::vector<std::string>;

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
}

}  // namespace submitit::testing
