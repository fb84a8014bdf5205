// SPDX-License-Identifier: Apache-2.0
// verify --against DIR: each way an archive and a directory can differ.
#include <doctest/doctest.h>

#include "archive/read/builders.hpp"
#include "archive/read/name_filter.hpp"
#include "archive/read/stored_name.hpp"
#include "archive/read/support.hpp"

namespace submitit::archive::testing {
namespace {

tar_fields of(std::string name, char type = '0', std::string link = {}) {
    tar_fields out;
    out.name = std::move(name);
    out.type = type;
    out.link = std::move(link);
    return out;
}

struct fixture {
    temp_dir dir;
    fixture() {
        dir.put("tree/file", prose(300'000));
        dir.put("tree/sub/other", "other");
        CHECK(dir.run("ln -s file tree/link"));
    }

    std::string compare(std::string const& tar, std::string_view directory = "tree") const {
        verify_options options;
        options.against = dir / directory;
        return findings(dir.put("case.tar", tar + tar_end()), options);
    }
    static std::string root() { return tar_entry(of("tree/", '5'), ""); }
    static std::string rest() {
        return tar_entry(of("tree/link", '2', "file"), "") + tar_entry(of("tree/sub/", '5'), "");
    }
    static std::string other() { return tar_entry(of("tree/sub/other"), "other"); }
    static std::string file() { return tar_entry(of("tree/file"), prose(300'000)); }
};

bool mentions(std::string const& text, std::string_view what) { return text.find(what) != std::string::npos; }

}  // namespace

TEST_SUITE("archive/read/against") {
    TEST_CASE_FIXTURE(fixture, "an equal directory has no findings") {
        CHECK(compare(root() + file() + rest() + other()) == "");
    }

    TEST_CASE_FIXTURE(fixture, "the first differing byte is named, at the start, inside and at the end") {
        for (std::size_t const at :
             {std::size_t{0}, std::size_t{131'072}, std::size_t{200'001}, std::size_t{299'999}}) {
            auto text = prose(300'000);
            text[at] = '#';
            CHECK(mentions(compare(root() + tar_entry(of("tree/file"), text) + rest() + other()),
                           "tree/file: differs at byte " + std::to_string(at) + "\n"));
        }
    }

    TEST_CASE_FIXTURE(fixture, "sizes, kinds, link targets and missing files are named") {
        auto const all = [&](std::string const& change) { return compare(root() + change); };
        CHECK(mentions(all(tar_entry(of("tree/file"), "short")), "tree/file: is 300000 bytes in"));
        CHECK(mentions(all(tar_entry(of("tree/file/", '5'), "")), "tree/file/: is a file in"));
        CHECK(mentions(all(tar_entry(of("tree/sub"), "x")), "tree/sub: is a directory in"));
        CHECK(mentions(all(tar_entry(of("tree/link"), "x")), "tree/link: is a symbolic link in"));
        CHECK(mentions(all(tar_entry(of("tree/file", '6'), "")), "a FIFO in the archive"));
        CHECK(mentions(all(tar_entry(of("tree/link", '2', "elsewhere"), "")), "tree/link: points to file in"));
        CHECK(mentions(all(tar_entry(of("tree/nowhere"), "x")), "tree/nowhere: is missing in"));
        CHECK(mentions(all(tar_entry(of("tree/file/below"), "x")), "tree/file/below: is missing in"));
    }

    TEST_CASE_FIXTURE(fixture, "nothing outside the directory is opened, whatever the names say") {
        dir.put("secret", "secret");
        REQUIRE(dir.run("ln -s .. tree/up && ln -s ../secret tree/direct"));
        auto const found =
            compare(root() + tar_entry(of("tree/up/secret"), "secret") + tar_entry(of("tree/../secret"), "secret") +
                    tar_entry(of("/etc/passwd"), "x") + tar_entry(of("tree/direct"), "secret"));
        CHECK(mentions(found, "tree/up/secret: cannot be found in"));
        CHECK(mentions(found, "tree/../secret: is a name that leads out of"));
        CHECK(mentions(found, "/etc/passwd: is a name that leads out of"));
        CHECK(mentions(found, "tree/direct: is a symbolic link in"));
    }

    TEST_CASE_FIXTURE(fixture, "hard links may be one file or two equal ones") {
        auto const linked = root() + file() + tar_entry(of("tree/again", '1', "tree/file"), "");
        CHECK(mentions(compare(linked), "tree/again: is missing in"));
        REQUIRE(dir.run("cp tree/file tree/again"));
        CHECK_FALSE(mentions(compare(linked), "again"));
        REQUIRE(dir.run("ln -f tree/file tree/again"));
        CHECK_FALSE(mentions(compare(linked), "again"));
        dir.put("tree/again2", prose(300'000) + "longer");
        CHECK(mentions(compare(root() + tar_entry(of("tree/again2", '1', "tree/file"), "")),
                       "it is a file of its own that"));
    }

    TEST_CASE_FIXTURE(fixture, "files that the archive lacks are counted, the archive itself left out") {
        dir.put("tree/extra", "");
        auto const found = compare(root() + file() + rest() + other());
        CHECK(mentions(found, "has 3 files, the archive 2"));
        CHECK(mentions(found, "tree/extra: is only in"));
        CHECK(mentions(found, "--exclude"));
        REQUIRE(dir.run("rm tree/extra"));
        CHECK(compare(root() + file() + rest() + other()) == "");
        verify_options options;
        options.against = dir / "tree";
        CHECK(findings(dir.put("tree/inside.tar", root() + file() + rest() + other() + tar_end()), options) == "");
    }

    TEST_CASE_FIXTURE(fixture, "ten names that only the directory has are given, at any depth, and only such names") {
        for (int i = 0; i < 12; ++i) dir.put("tree/sub/deep/n" + std::to_string(i), "");
        dir.put("tree/zz", "");
        auto const found = compare(root() + file() + rest() + other());
        std::size_t named = 0;
        for (auto at = found.find("is only in"); at != std::string::npos; at = found.find("is only in", at + 1))
            ++named;
        CHECK(named == 10);
        CHECK(mentions(found, "tree/sub/deep/n"));
        CHECK_FALSE(mentions(found, "tree/file: "));
        CHECK_FALSE(mentions(found, "tree/sub/other: "));
        CHECK(mentions(found, "has 15 files, the archive 2"));
    }

    TEST_CASE_FIXTURE(fixture,
                      "a name too many in one place and too few in another is found, though the count is right") {
        dir.put("tree/sub/renamed", "other");
        REQUIRE(dir.run("rm tree/sub/other"));
        auto const found = compare(root() + file() + rest() + other());
        CHECK(mentions(found, "tree/sub/other: is missing in"));
        CHECK(mentions(found, "tree/sub/renamed: is only in"));
        CHECK_FALSE(mentions(found, "--exclude"));
        CHECK_FALSE(mentions(found, "the archive 2"));
    }

    TEST_CASE_FIXTURE(fixture, "a file stored twice does not stand for another one") {
        dir.put("tree/extra", "other");
        auto const found = compare(root() + file() + rest() + other() + other());
        CHECK(mentions(found, "tree/extra: is only in"));
    }

    TEST_CASE("a name filter finds every name it was given, and among 100,000 hardly another") {
        reader::name_filter filter;
        for (int i = 0; i < 100'000; ++i) filter.add("given/" + std::to_string(i));
        std::size_t missed = 0;
        std::size_t mistaken = 0;
        for (int i = 0; i < 100'000; ++i) {
            if (!filter.may_have("given/" + std::to_string(i))) ++missed;
            if (filter.may_have("other/" + std::to_string(i))) ++mistaken;
        }
        CHECK(missed == 0);
        CHECK(mistaken < 20);
    }

    TEST_CASE_FIXTURE(fixture,
                      "the root name stands for DIR, also when DIR is called something else or its parent is given") {
        REQUIRE(dir.run("cp -a tree renamed"));
        auto const tar = root() + file() + rest() + other();
        CHECK(compare(tar, "renamed") == "");
        CHECK(compare(tar, ".") == "");
        CHECK(compare(tar_entry(of("./", '5'), "") + tar_entry(of("./file"), prose(300'000)) +
                      tar_entry(of("./sub/other"), "other")) == "");
        CHECK(mentions(compare(tar + tar_entry(of("beside"), "x")), "beside: lies beside tree/, which stands for"));
    }

    TEST_CASE_FIXTURE(fixture, "a zip's symlink is compared by its content") {
        for (char const* const target : {"file", "fil", "file2"}) {
            zip_builder zip;
            zip_fields directory;
            directory.name = "tree/";
            directory.content = "";
            directory.mode = 040755;
            zip.add(directory);
            zip_fields link;
            link.name = "tree/link";
            link.content = target;
            link.mode = 0120777;
            zip.add(link);
            verify_options options;
            options.against = dir / "tree";
            auto const found = findings(dir.put("case.zip", zip.finish()), options);
            CHECK(mentions(found, "tree/link: points to file in") == (std::string_view{target} != "file"));
        }
    }

    TEST_CASE_FIXTURE(fixture, "a hole must be zeros in the directory") {
        auto const records = pax_record("GNU.sparse.major", "1") + pax_record("GNU.sparse.minor", "0") +
                             pax_record("GNU.sparse.name", "tree/holes") + pax_record("GNU.sparse.realsize", "500000");
        auto const map = "1\n400000\n3\n" + std::string(512 - 11, '\0');
        auto const tar = root() + pax_entry(records) + tar_entry(of("tree/GNUSparseFile.0/holes"), map + "abc");
        std::string content(500'000, '\0');
        overwrite(content, 400'000, "abc");
        dir.put("tree/holes", content);
        CHECK_FALSE(mentions(compare(tar), "holes"));
        content[300'000] = 'x';
        dir.put("tree/holes", content);
        CHECK(mentions(compare(tar), "tree/holes: differs at byte 300000"));
    }

    TEST_CASE("a directory that is not there is an error") {
        temp_dir const dir;
        verify_options options;
        options.against = dir / "missing";
        CHECK(verify(dir.put("a.tar", tar_end()), options).error() == std::errc::no_such_file_or_directory);
    }

    TEST_CASE("stored names become paths below, or nothing") {
        using reader::path_below;
        CHECK(path_below("a/b") == "a/b");
        CHECK(path_below("./a//b/./") == "a/b");
        CHECK(path_below("./") == "");
        CHECK_FALSE(path_below("/a").has_value());
        CHECK_FALSE(path_below("a/../b").has_value());
        CHECK_FALSE(path_below("..").has_value());
        CHECK_FALSE(path_below(std::string{"a\0b", 3}).has_value());
        CHECK(path_below("..a/b..") == "..a/b..");
    }
}

}  // namespace submitit::archive::testing
