// SPDX-License-Identifier: Apache-2.0
// What SOURCE means, and the names that come of it.
#include <doctest/doctest.h>

#include "cli/sandbox.hpp"
#include "support/archive_entries.hpp"
#include "support/program.hpp"
#include "support/temp_tree.hpp"

namespace submitit::testing {
namespace {

using names = std::vector<std::string>;

/// one/{a,sub/b}, two/c, a file and a link to one of each.
struct some_sources {
    temp_tree at;
    command here;

    some_sources() {
        at.put("one/a", "A");
        at.put("one/sub/b", "B");
        at.put("two/c", "C");
        at.put("file", "F");
        at.symlink("link-to-one", "one");
        at.symlink("link-to-file", "file");
        here.directory = at.path();
    }

    [[nodiscard]] outcome to(std::string const& output, names arguments) const {
        return export_to(output, std::move(arguments), here);
    }

    /// The names in the archive that these arguments make.
    [[nodiscard]] names stored(names arguments) const {
        auto const done = to("out.tar", std::move(arguments));
        CHECK(done.err == "");
        REQUIRE(done.status == 0);
        return names_of(at / "out.tar");
    }

    [[nodiscard]] names dry_run(names arguments) const {
        arguments.insert(arguments.begin(), {"export", "--dry-run"});
        auto const done = submitit(std::move(arguments), here);
        CHECK(done.err == "");
        REQUIRE(done.status == 0);
        return lines_of(done.out);
    }
};

names const all_of_one{"one/", "one/a", "one/sub/", "one/sub/b"};

}  // namespace

TEST_SUITE("cli/sources") {
    TEST_CASE("a directory is stored under its base name, with an entry of its own, however it is written") {
        some_sources const from;
        CHECK(from.stored({"one"}) == all_of_one);
        CHECK(from.stored({"one/"}) == all_of_one);
        CHECK(from.stored({"./one//"}) == all_of_one);
        CHECK(from.stored({"two/../one"}) == all_of_one);
        CHECK(from.stored({from.at / "one"}) == all_of_one);
    }

    TEST_CASE("'.' and '..' are stored under the name of the real directory") {
        some_sources const from;
        command inside;
        inside.directory = from.at / "one";
        REQUIRE(export_to("../out.tar", {"."}, inside).status == 0);
        CHECK(names_of(from.at / "out.tar") == all_of_one);
        inside.directory = from.at / "one/sub";
        REQUIRE(export_to("../../out.tar", {".."}, inside).status == 0);
        CHECK(names_of(from.at / "out.tar") == all_of_one);
    }

    TEST_CASE("'/' is stored as root") {
        some_sources const from;
        CHECK(from.dry_run({"/", "--exclude", "/*"}) == names{"root/"});
    }

    TEST_CASE("a file is one entry") {
        some_sources const from;
        CHECK(from.stored({"file"}) == names{"file"});
        CHECK(from.stored({"one/sub/b"}) == names{"b"});
        CHECK(entry_of(from.at / "out.tar", "b").content == "B");
    }

    TEST_CASE("a symlink given as SOURCE is followed and keeps the name given") {
        some_sources const from;
        CHECK(from.stored({"link-to-one"}) ==
              names{"link-to-one/", "link-to-one/a", "link-to-one/sub/", "link-to-one/sub/b"});
        CHECK(from.stored({"link-to-file"}) == names{"link-to-file"});
        CHECK(entry_of(from.at / "out.tar", "link-to-file").content == "F");
    }

    TEST_CASE("SOURCEs stand in the order they were given") {
        some_sources const from;
        CHECK(from.stored({"two", "file", "one"}) ==
              names{"two/", "two/c", "file", "one/", "one/a", "one/sub/", "one/sub/b"});
    }

    TEST_CASE("a SOURCE in brackets is a name like any other") {
        some_sources const from;
        from.at.put("[two]/d", "D");
        from.at.put("[a,b]/e", "E");
        CHECK(from.stored({"[two]"}) == names{"[two]/", "[two]/d"});
        CHECK(from.stored({"one/a", "[a,b]", "[two]"}) == names{"a", "[a,b]/", "[a,b]/e", "[two]/", "[two]/d"});
    }

    TEST_CASE("what follows -- is a SOURCE, also after others") {
        some_sources const from;
        from.at.put("-q", "Q");
        CHECK(from.stored({"file", "--", "-q", "one/a"}) == names{"file", "-q", "a"});
        CHECK(from.stored({"-l", "1", "-f", "tar.gz", "-qv", "--", "file"}) == names{"file"});
    }

    TEST_CASE("an empty value after '=' is empty, and takes nothing that follows") {
        some_sources const from;
        CHECK(from.stored({"one", "--prefix="}) == names{"a", "sub/", "sub/b"});
        for (std::string const option : {"--exclude=", "--report=", "--files-from="}) {
            CAPTURE(option);
            auto const done = from.to("never.tar", {"one", option, "two"});
            CHECK(done.status == 2);
            CHECK(contains(done.err, option.substr(0, option.size() - 1)));
        }
    }

    TEST_CASE("--dry-run lists what the export stores, without ./exports and the output") {
        some_sources const from;
        from.at.put("exports/old.zip", "old");
        names const arguments{".", "-o", "out.tar", "--prefix", "", "-q"};
        auto const with = [&arguments](names first) {
            first.insert(first.end(), arguments.begin(), arguments.end());
            return first;
        };
        auto const before = submitit(with({"export", "--dry-run"}), from.here);
        CHECK(before.status == 0);
        CHECK(submitit(with({"export"}), from.here).status == 0);
        CHECK(lines_of(before.out) == names_of(from.at / "out.tar"));
        CHECK(submitit(with({"export", "--dry-run"}), from.here).out == before.out);  // now the output exists
    }

    TEST_CASE("many small directories as SOURCEs need few descriptors") {
        temp_tree const at;
        names expected;
        std::string list;
        for (int i = 1000; i < 1600; ++i) {
            auto const name = "d" + std::to_string(i);
            at.put(name + "/f", "x");
            expected.insert(expected.end(), {name + '/', name + "/f"});
            list += name + '\n';
        }
        command here;
        here.directory = at.path();
        here.input = list;
        here.limits = {{RLIMIT_NOFILE, 128}};
        auto const done = export_to("out.tar", {"-T", "-"}, here);
        CHECK(done.err == "");
        REQUIRE(done.status == 0);
        CHECK(names_of(at / "out.tar") == expected);
    }

    TEST_CASE("inside a directory the order is that of the stored names' bytes") {
        some_sources const from;
        from.at.put("order/a-b");
        from.at.put("order/a/z");
        from.at.put("order/a.b");
        from.at.put("order/a0");
        from.at.put("order/B");
        from.at.put("order/\xC3\xA4");
        CHECK(from.stored({"order"}) == names{"order/", "order/B", "order/a-b", "order/a.b", "order/a/", "order/a/z",
                                              "order/a0", "order/\xC3\xA4"});
    }

    TEST_CASE("--prefix replaces the name of one directory, and goes before the names of several") {
        some_sources const from;
        CHECK(from.stored({"one", "--prefix", "P"}) == names{"P/", "P/a", "P/sub/", "P/sub/b"});
        CHECK(from.stored({"one", "--prefix", "P/Q"}) == names{"P/Q/", "P/Q/a", "P/Q/sub/", "P/Q/sub/b"});
        CHECK(from.stored({"one", "--prefix", ""}) == names{"a", "sub/", "sub/b"});
        CHECK(from.stored({"two", "file", "--prefix", "P"}) == names{"P/two/", "P/two/c", "P/file"});
    }

    TEST_CASE("a prefix never leaves the archive's top") {
        some_sources const from;
        CHECK(from.stored({"one", "--prefix", "/abs"}).front() == "abs/");
        CHECK(from.stored({"one", "--prefix", "../../up"}).front() == "up/");
    }

    TEST_CASE("two SOURCEs that give one name: exit 2 naming both, nothing written") {
        some_sources const from;
        from.at.put("other/one/x");
        auto const done = from.to("out.zip", {"one", "other/one"});
        CHECK(done.status == 2);
        CHECK(contains(done.err, "'one'"));
        CHECK(contains(done.err, "'other/one'"));
        CHECK(done.out == "");
        CHECK_FALSE(from.at.exists("out.zip"));
        CHECK(from.to("out.zip", {"one", "./one/"}).status == 2);
        CHECK_FALSE(from.at.exists("out.zip"));
    }

    TEST_CASE("a missing SOURCE: exit 3, nothing published, the other sources notwithstanding") {
        some_sources const from;
        from.at.put("out.zip", "old");
        auto const done = from.to("out.zip", {"one", "no-such"});
        CHECK(done.status == 3);
        CHECK(contains(done.err, "no-such"));
        CHECK(lines_of(done.err).size() == 1);
        CHECK(from.at.read("out.zip") == "old");
        from.at.symlink("dangling", "nowhere");
        CHECK(from.to("out.zip", {"dangling"}).status == 3);
    }

    TEST_CASE("an unreadable SOURCE: exit 3, nothing published") {
        some_sources const from;
        from.at.mode("", 0777);
        from.at.mode("one", 0);
        from.at.mode("file", 0);
        for (auto const* const source : {"one", "file"}) {
            auto with = from.here;
            with.in_child = as_nobody;
            auto const done = export_to("out.zip", {source}, with);
            if (done.status == 127) {
                MESSAGE("nobody cannot run the program where it was built: an unreadable SOURCE is not tried");
                break;
            }
            CHECK(done.status == 3);
            CHECK(contains(done.err, source));
            CHECK_FALSE(from.at.exists("out.zip"));
        }
        from.at.mode("one", 0755);
    }

    TEST_CASE("nothing to store: exit 3, nothing published") {
        some_sources const from;
        from.at.put("empty-list");
        auto const excluded = from.to("out.zip", {"one", "--prefix", "", "--exclude", "*"});
        CHECK(excluded.status == 3);
        CHECK(contains(excluded.err, "nothing to store"));
        auto const listed = from.to("out.zip", {"-T", "empty-list"});
        CHECK(listed.status == 3);
        CHECK_FALSE(from.at.exists("out.zip"));
        auto const tried = submitit({"export", "--dry-run", "one", "--prefix", "", "--exclude", "*"}, from.here);
        CHECK(tried.status == 3);
        CHECK(tried.out == "");
    }

    TEST_CASE("SOURCE '-' is refused with exit 2; './-' is a file of that name") {
        some_sources const from;
        from.at.put("-", "dash");
        CHECK(from.to("out.tar", {"-"}).status == 2);
        CHECK_FALSE(from.at.exists("out.tar"));
        CHECK(from.stored({"./-"}) == names{"-"});
        CHECK(from.stored({"--", "./-"}) == names{"-"});
    }

    TEST_CASE("no SOURCE at all is a mistake of usage") {
        some_sources const from;
        CHECK(from.to("out.tar", {}).status == 2);
        CHECK(from.to("out.tar", {""}).status == 2);
    }

    TEST_CASE("-C: sources are relative to it, the output and lists are not") {
        some_sources const from;
        from.at.put("list", "sub/b\n");
        CHECK(from.stored({"-C", "one", "sub"}) == names{"sub/", "sub/b"});
        CHECK(from.stored({"-C", "one", "."}) == all_of_one);
        CHECK(from.stored({"-C", "one", "-T", "list"}) == names{"sub/b"});
        CHECK(from.stored({"-C", "two", from.at / "one"}) == all_of_one);
        CHECK(from.to("out.tar", {"-C", "no-such", "sub"}).status == 3);
    }

    TEST_CASE("-T reads sources from a file or standard input, and they keep the path given") {
        some_sources const from;
        from.at.put("list", "one/sub/b\n\ntwo\n");
        CHECK(from.stored({"-T", "list"}) == names{"one/sub/b", "two/", "two/c"});
        auto with = from.here;
        with.input = "two/c\nfile";
        REQUIRE(export_to("out.tar", {"-T", "-"}, with).status == 0);
        CHECK(names_of(from.at / "out.tar") == names{"two/c", "file"});
        CHECK(from.stored({"file", "-T", "list"}) == names{"file", "one/sub/b", "two/", "two/c"});
        CHECK(from.stored({"-T", "list", "--prefix", "P"}).front() == "P/one/sub/b");
    }

    TEST_CASE("--null: names end with NUL, so that they may hold newlines") {
        some_sources const from;
        from.at.put("new\nline");
        auto with = from.here;
        with.input = std::string{"new\nline\0two/c\0", 15};
        REQUIRE(export_to("out.tar", {"-T", "-", "--null"}, with).status == 0);
        CHECK(names_of(from.at / "out.tar") == names{"new\nline", "two/c"});
    }

    TEST_CASE("names listed twice: exit 2 naming them, nothing written") {
        some_sources const from;
        from.at.put("list", "one/a\ntwo\none/../one/a\none/a\n");
        auto const done = from.to("out.tar", {"-T", "list"});
        CHECK(done.status == 2);
        CHECK(contains(done.err, "one/a"));
        CHECK_FALSE(from.at.exists("out.tar"));
    }

    TEST_CASE("listed names lose '/', '.' and '..': nothing is stored outside the archive's top") {
        some_sources const from;
        from.at.put("list", from.at / "one/a" + "\n./two/./c\n");
        auto const stored = from.stored({"-T", "list"});
        REQUIRE(stored.size() == 2);
        CHECK(stored[0] == (from.at / "one/a").substr(1));
        CHECK(stored[1] == "two/c");
    }

    TEST_CASE("a list that is missing: exit 3; a line that names nothing: exit 3 naming it") {
        some_sources const from;
        CHECK(from.to("out.tar", {"-T", "no-list"}).status == 3);
        from.at.put("list", "one\nmissing-one\n");
        auto const done = from.to("out.tar", {"-T", "list"});
        CHECK(done.status == 3);
        CHECK(contains(done.err, "missing-one"));
        CHECK_FALSE(from.at.exists("out.tar"));
    }

    TEST_CASE("--dry-run lists what would go in, in order, and writes nothing") {
        some_sources const from;
        auto const before = from.at.names_in();
        CHECK(from.dry_run({"two", "one", "--exclude", "b"}) == names{"two/", "two/c", "one/", "one/a", "one/sub/"});
        CHECK(from.dry_run({"two", "-o", "out.zip"}) == names{"two/", "two/c"});
        CHECK(from.at.names_in() == before);
    }
}

}  // namespace submitit::testing
