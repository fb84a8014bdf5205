// SPDX-License-Identifier: Apache-2.0
// Names that somebody made with malice, or without UTF-8.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/unique_fd.hpp"
#include "format/readers.hpp"
#include "support/archive_entries.hpp"
#include "support/program.hpp"
#include "support/temp_tree.hpp"

namespace submitit::testing {
namespace {

using names = std::vector<std::string>;

names const awkward{
    "new\nline",
    "escape\x1B[31m\x1B]0;title\x07",
    "back\\slash",
    "-rf",
    "--checkpoint-action=exec=false",
    " leading space",
    "trailing space ",
    "trailing dot.",
    "...",
    "..hidden",
    "star*?[a]",
    "quote'\"`$(false)",
    "percent%s%n",
    "colon:stream",
    "con",
    "tab\there",
    "delete\x7F",
    "\xC3\xBCnicode",
    "\xF0\x9F\x8E\x89",
    "right\xE2\x80\xAEtoleft",
    "UPPER",
    "upper",
    "GNUSparseFile.0",
    "PaxHeaders",
};
names const not_utf8{"latin\xE4\xF6", "\xFF\xFE", "cut\xE2\x82", "overlong\xC0\xAF"};

void put_named(temp_tree const& at, names const& which) {
    for (auto const& name : which) {
        at.put("src/" + name, name);
        at.put("src/dirs/" + name + "/inner", name);
        at.symlink("src/links/to " + name, name);
    }
}

/// Makes src/ddd.../ddd.../leaf below `at`, with a stored path of more than `bytes`; returns it.
std::string put_beyond_path_max(temp_tree const& at, std::size_t bytes) {
    at.directory("src");
    unique_fd directory{::open((at / "src").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    std::string path = "src/";
    auto const part = std::string(200, 'd');
    while (path.size() <= bytes) {
        REQUIRE(::mkdirat(directory.get(), part.c_str(), 0755) == 0);
        directory.reset(::openat(directory.get(), part.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        REQUIRE(directory);
        path += part + '/';
    }
    unique_fd const leaf{::openat(directory.get(), "leaf", O_WRONLY | O_CREAT | O_CLOEXEC, 0644)};
    REQUIRE(::write(leaf.get(), "deep", 4) == 4);
    return path + "leaf";
}

}  // namespace

TEST_SUITE("format/names") {
    TEST_CASE("awkward names come back byte for byte from every program") {
        temp_tree const at;
        put_named(at, awkward);
        command const here{.directory = at.path()};
        auto const source = snapshot(at / "src");
        for (std::string const suffix : all_suffixes) {
            CAPTURE(suffix);
            auto const archive = at / ("x" + suffix);
            auto const done = export_to(archive, {"src"}, here);
            // Zip warns of the backslash, which is a separator on Windows, once for each of four entries.
            CHECK(lines_of(done.err).size() == (is_zip(archive) ? 4 : 0));
            REQUIRE(done.status == (is_zip(archive) ? 1 : 0));
            CHECK(submitit({"verify", archive, "--against", at / "src"}).status == 0);
            check_readers(archive);
            // 7-Zip replaces what Windows forbids; unzip drops some control characters even with -^.
            check_extracted(archive, "src", source, {}, {"7zz", "unzip"});
        }
    }

    TEST_CASE("names that are not UTF-8 come back byte for byte; zip warns of each, tar needs not") {
        temp_tree const at;
        put_named(at, not_utf8);
        command const here{.directory = at.path()};
        auto const source = snapshot(at / "src");
        for (std::string const suffix : all_suffixes) {
            CAPTURE(suffix);
            auto const archive = at / ("x" + suffix);
            auto const done = export_to(archive, {"src", "--json"}, here);
            auto const entries_named = 4 * not_utf8.size();  // file, directory, inner, link
            CHECK(done.status == (is_zip(archive) ? 1 : 0));
            CHECK(lines_with(done.err, "warning: ") == (is_zip(archive) ? entries_named : 0));
            CHECK(number(json_of(done.out), {"notices", "name_warning"}) == (is_zip(archive) ? entries_named : 0));
            CHECK(submitit({"verify", archive, "--against", at / "src"}).status == 0);
            check_readers(archive);
            check_extracted(archive, "src", source, {}, {"7zz", "unzip"});
        }
    }

    TEST_CASE("decomposed letters stay decomposed") {
        temp_tree const at;
        put_named(at, {"u\xCC\x88", "\xC3\xBC"});  // two names that look alike
        command const here{.directory = at.path()};
        for (std::string const suffix : all_suffixes) {
            REQUIRE(export_to("x" + suffix, {"src"}, here).status == 0);
            check_readers(at / ("x" + suffix));
            // libarchive composes the letters as it reads, and so has one name twice.
            check_extracted(at / ("x" + suffix), "src", snapshot(at / "src"), {}, {"bsdtar"});
        }
    }

    TEST_CASE("components of 255 bytes, and names at every length where a header's form changes") {
        temp_tree const at;
        for (std::size_t const bytes : {95U, 96U, 97U, 99U, 100U, 101U, 154U, 155U, 156U, 200U, 254U, 255U}) {
            at.put("src/" + std::string(bytes, 'n'), "n");
            at.put("src/" + std::string(150, 'p') + '/' + std::string(bytes, 'n'), "pn");
            at.symlink("src/links/" + std::to_string(bytes), std::string(bytes, 't'));
            at.directory("src/dirs/" + std::string(bytes, 'd'));
        }
        at.put("src/" + std::string(85, 'a') + '/' + std::string(85, 'b') + '/' + std::string(85, 'c') + "/x", "x");
        at.symlink("src/links/long", std::string(4000, 't'));
        command const here{.directory = at.path()};
        auto const source = snapshot(at / "src");
        for (std::string const suffix : all_suffixes) {
            CAPTURE(suffix);
            auto const archive = at / ("x" + suffix);
            REQUIRE(export_to(archive, {"src"}, here).status == 0);
            check_readers(archive);
            check_extracted(archive, "src", source);
            CHECK(submitit({"verify", archive, "--against", at / "src"}).status == 0);
        }
    }

    TEST_CASE("a path longer than PATH_MAX is read, stored, listed, and read by others") {
        temp_tree const at;
        auto const path = put_beyond_path_max(at, 4500);
        at.put("src/short", "short");
        command const here{.directory = at.path()};
        for (std::string const suffix : all_suffixes) {
            CAPTURE(suffix);
            auto const archive = at / ("x" + suffix);
            auto const done = export_to(archive, {"src"}, here);
            CHECK(done.err == "");
            REQUIRE(done.status == 0);
            CHECK(entry_of(archive, path).content == "deep");
            CHECK(contains(submitit({"list", "--names", archive}).out, path));
            CHECK(submitit({"verify", archive, "--against", at / "src"}).status == 0);
            check_readers(archive, {"unzip"});  // it cuts names at PATH_MAX
            if (have("python3") && suffix != ".tar.zst") {
                auto const sizes = run(python({"sizes", archive}));
                CHECK(contains(sizes.out, path + "\t4\n"));
            }
            // No program here can unpack it whole: bsdtar comes nearest, but fails to set the owners of the last directories.
        }
    }

    TEST_CASE("nothing that list prints can move a cursor") {
        temp_tree const at;
        put_named(at, awkward);
        put_named(at, not_utf8);
        command const here{.directory = at.path()};
        for (std::string const suffix : all_suffixes) {
            static_cast<void>(export_to("x" + suffix, {"src"}, here));
            for (names const& form : {names{}, names{"--names"}, names{"--json"}}) {
                auto arguments = names{"list", "x" + suffix};
                arguments.insert(arguments.end(), form.begin(), form.end());
                auto const listed = submitit(arguments, here);
                CAPTURE(suffix);
                CHECK(listed.status == 0);
                CHECK(lines_of(listed.out).size() == snapshot(at / "src").size());
                for (char const c : {'\x1B', '\x07', '\t', '\r'}) CHECK_FALSE(contains(listed.out, std::string(1, c)));
            }
        }
    }
}

}  // namespace submitit::testing
