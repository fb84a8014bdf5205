// SPDX-License-Identifier: Apache-2.0
// Sources that change between the walk and the read. With the least memory a ticket is read only after the one before was
// written, and its first entry was walked before that: what the output lets happen then is always in between.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "archive/read/support.hpp"
#include "pipeline/exporting.hpp"

TEST_SUITE_BEGIN("pipeline/changing sources");

namespace submitit::pipeline {
namespace {

using archive::testing::decoded;
using archive::testing::noise;
using strings = std::vector<std::string>;
using contents = std::map<std::string, std::string>;

constexpr std::size_t mib = 1U << 20U;

/// 512 empty files fill the first ticket; "victim" is the first of the second.
class small_victim {
public:
    small_victim() {
        for (int i = 0; i < 512; ++i) tree.file(std::to_string(1000 + i));
        tree.file("victim", "as it was walked");
        tree.file("z-last", "end");
    }

    /// Exports while `happens` between the walk and the read of the victim; gives what is stored but the fillers.
    template <class Happens>
    contents exported(format kind, Happens happens) {
        auto options = options_for(kind, contents_of(tree));
        options.memory_bytes = least_memory(options);
        memory_sink output;
        output.once_beyond = {kind == format::tar_gz ? 10 : 0, happens};  // not at the header, which comes first
        report = run(options, output);
        CHECK(report.failure.kind == failure_kind::none);
        CHECK(archive::testing::findings_of({}, output.bytes) == "");
        auto all = decoded(output.bytes);
        for (int i = 0; i < 512; ++i) CHECK(all.erase(std::to_string(1000 + i)) == 1);
        return all;
    }

    walk::scratch_tree tree;
    export_report report;
};

/// "a", a file of three tickets and more, "z".
class large_victim {
public:
    static constexpr std::size_t bytes = 3 * mib + 1000;

    large_victim() : whole{noise(bytes, 11)} {
        tree.file("a", "first");
        tree.file("large", whole);
        tree.file("z", "last");
    }

    /// Exports while `happens` after the first segment was written and before the second is read.
    template <class Happens>
    contents exported(format kind, bool seekable, Happens happens) {
        auto options = options_for(kind, contents_of(tree));
        options.memory_bytes = least_memory(options);
        memory_sink output{seekable};
        output.once_beyond = {mib / 2, happens};
        report = run(options, output);
        CHECK(report.failure.kind == failure_kind::none);
        CHECK(archive::testing::findings_of({}, output.bytes) == "");
        return decoded(output.bytes);
    }

    std::string whole;
    walk::scratch_tree tree;
    export_report report;
};

constexpr std::array batch_formats{format::zip, format::tar, format::tar_gz, format::tar_zst};

}  // namespace

TEST_CASE("a small file that was modified is stored as it is when it is read, without a warning") {
    for (auto const kind : batch_formats) {
        CAPTURE(archive::to_string(kind));
        for (std::string const now : {"as it was, but not", "", "AS IT WAS WALKED", "short"}) {
            if (now.size() > 16) continue;
            small_victim at;
            CHECK(at.exported(kind, [&] { at.tree.file("victim", now); }) ==
                  contents{{"victim", now}, {"z-last", "end"}});
            CHECK(at.report.warnings() == 0);
            CHECK(at.report.content_bytes == now.size() + 3);
        }
    }
}

TEST_CASE("a small file that grew is stored as far as there was room, and told") {
    for (auto const kind : batch_formats) {
        CAPTURE(archive::to_string(kind));
        small_victim at;
        CHECK(at.exported(kind, [&] { at.tree.file("victim", "as it was walked, and more"); }) ==
              contents{{"victim", "as it was walked"}, {"z-last", "end"}});
        CHECK(told(at.report) == strings{"changed victim"});
    }
}

TEST_CASE("a small file that vanished or was swapped for something else is left out, and told") {
    for (auto const kind : batch_formats) {
        CAPTURE(archive::to_string(kind));
        small_victim gone;
        CHECK(gone.exported(kind, [&] { std::filesystem::remove(gone.tree.path("victim")); }) ==
              contents{{"z-last", "end"}});
        CHECK(told(gone.report) == strings{"vanished victim"});
        CHECK(gone.report.files == 513);

        small_victim swapped;
        auto const swap = [&](auto make) {
            return [&swapped, make] {
                std::filesystem::rename(
                    swapped.tree.path("victim"),
                    swapped.tree.path("../" + std::filesystem::path{swapped.tree.path("")}.filename().string() +
                                      ".was"));
                make();
            };
        };
        SUBCASE("by a file") {
            CHECK(swapped.exported(kind, swap([&] { swapped.tree.file("victim", "another"); })) ==
                  contents{{"z-last", "end"}});
        }
        SUBCASE("by a link") {
            CHECK(swapped.exported(kind, swap([&] { swapped.tree.link("victim", "/etc/passwd"); })) ==
                  contents{{"z-last", "end"}});
        }
        SUBCASE("by a FIFO") {
            CHECK(swapped.exported(kind, swap([&] {
                                       REQUIRE(::mkfifo(swapped.tree.path("victim").c_str(), 0644) == 0);
                                   })) == contents{{"z-last", "end"}});
        }
        std::filesystem::remove(swapped.tree.path("") + ".was");
        CHECK(told(swapped.report) == strings{"replaced victim"});
    }
}

TEST_CASE("a hard link whose first name vanished takes the content in its place") {
    for (auto const kind : {format::tar, format::tar_gz, format::tar_zst}) {
        CAPTURE(archive::to_string(kind));
        walk::scratch_tree aside;
        small_victim at;
        std::filesystem::create_hard_link(at.tree.path("victim"), at.tree.path("victim-2"));
        std::filesystem::create_hard_link(at.tree.path("victim"), at.tree.path("victim-3"));
        auto stored = at.exported(kind, [&] { std::filesystem::rename(at.tree.path("victim"), aside.path("victim")); });
        CHECK(stored.at("victim-2") == "as it was walked");
        CHECK(stored.contains("victim-3"));
        CHECK_FALSE(stored.contains("victim"));
        CHECK(told(at.report) == strings{"vanished victim"});
        CHECK(at.report.links == 1);
    }
}

TEST_CASE("a large file that shrank keeps its declared size with zeros, and is damaged") {
    for (auto const& [kind, seekable] : {std::pair{format::tar, true}, {format::tar_gz, true}, {format::zip, false}}) {
        CAPTURE(archive::to_string(kind));
        large_victim at;
        auto const stored =
            at.exported(kind, seekable, [&] { std::filesystem::resize_file(at.tree.path("large"), mib + mib / 2); });
        auto expected = at.whole.substr(0, mib + mib / 2);
        expected.resize(large_victim::bytes, '\0');
        CHECK(stored.at("large") == expected);
        CHECK(stored.size() == 3);
        CHECK(told(at.report) == strings{"damaged large"});
        CHECK(at.report.content_bytes == large_victim::bytes + 9);
    }
}

TEST_CASE("in a zip that can be cut back, a large file that shrank is left out") {
    large_victim at;
    CHECK(at.exported(format::zip, true, [&] { std::filesystem::resize_file(at.tree.path("large"), mib + mib / 2); }) ==
          contents{{"a", "first"}, {"z", "last"}});
    CHECK(told(at.report) == strings{"unreadable large"});
    CHECK(at.report.files == 2);
    CHECK(at.report.content_bytes == 9);
}

TEST_CASE("a large file that grew or was modified keeps its declared size, and is told") {
    for (auto const kind : batch_formats) {
        CAPTURE(archive::to_string(kind));
        if (kind == format::tar_zst) continue;  // its tickets are larger than the file
        large_victim at;
        auto const stored =
            at.exported(kind, true, [&] { std::ofstream{at.tree.path("large"), std::ios::app} << "and more"; });
        CHECK(stored.at("large") == at.whole);
        CHECK(told(at.report) == strings{"changed large"});
    }
}

TEST_CASE("a large file that loses its name while it is read is stored whole") {
    for (auto const kind : {format::zip, format::tar}) {
        CAPTURE(archive::to_string(kind));
        large_victim at;
        auto const stored = at.exported(kind, true, [&] { std::filesystem::remove(at.tree.path("large")); });
        CHECK(stored.at("large") == at.whole);
        CHECK(at.report.warnings() == 0);
    }
}

}  // namespace submitit::pipeline

TEST_SUITE_END();
