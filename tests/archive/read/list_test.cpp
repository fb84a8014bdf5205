// SPDX-License-Identifier: Apache-2.0
#include "archive/read/list.hpp"

#include <doctest/doctest.h>

#include <clocale>

#include "archive/read/builders.hpp"
#include "archive/read/support.hpp"
#include "base/errc.hpp"

namespace submitit::archive::testing {
namespace {

std::vector<listed_entry> listed(std::string const& path) {
    std::vector<listed_entry> out;
    std::string message;
    auto const done = list(
        path,
        [&](listed_entry const& entry) {
            out.push_back(entry);
            return true;
        },
        &message);
    CAPTURE(message);
    CHECK(done.has_value());
    return out;
}

listed_entry const* find(std::vector<listed_entry> const& entries, std::string_view path) {
    for (auto const& one : entries)
        if (one.path == path) return &one;
    return nullptr;
}

struct tree {
    temp_dir dir;
    tree() {
        dir.put("tree/not\xFFutf8", "x");
        dir.put("tree/\xC3\xBC", "twelve bytes");
        REQUIRE(
            dir.run("ln -s 'not\xFFutf8' tree/link; chmod 4751 tree/\xC3\xBC; touch -d "
                    "'2001-02-03T04:05:06.123456789Z' tree/\xC3\xBC"));
    }
};

}  // namespace

TEST_SUITE("archive/read/list") {
    TEST_CASE("names come out as stored, valid UTF-8 or not, whatever the locale") {
        if (!have("tar") || !have("zip")) return;
        tree const t;
        REQUIRE(t.dir.run(
            "tar --format=gnu -cf gnu.tar tree && tar --format=posix -cf pax.tar tree && tar -czf a.tar.gz tree"));
        REQUIRE(t.dir.run("zip -qry a.zip tree"));
        for (char const* const locale : {"C", "C.UTF-8", ""}) {
            std::setlocale(LC_ALL, locale);
            for (auto const* const name : {"gnu.tar", "pax.tar", "a.tar.gz", "a.zip"}) {
                CAPTURE(locale);
                CAPTURE(name);
                auto const entries = listed(t.dir / name);
                CHECK(entries.size() == 4);
                CHECK(find(entries, "tree/") != nullptr);
                CHECK(find(entries, "tree/not\xFFutf8") != nullptr);
                CHECK(find(entries, "tree/\xC3\xBC") != nullptr);
                auto const* const link = find(entries, "tree/link");
                REQUIRE(link != nullptr);
                CHECK(link->kind == 'l');
                CHECK(link->link_target == "not\xFFutf8");
            }
        }
        std::setlocale(LC_ALL, "C");
    }

    TEST_CASE("modes, sizes, times and owners are those of the entry") {
        if (!have("tar") || !have("zip")) return;
        tree const t;
        REQUIRE(t.dir.run(
            "tar --format=posix --owner=somebody:4711 --group=some:815 -cf pax.tar tree && zip -qry a.zip tree"));
        REQUIRE(t.dir.run("tar --format=posix --numeric-owner --owner=:4711 --group=:815 -cf numeric.tar tree"));
        auto const entries = listed(t.dir / "pax.tar");
        auto const* const entry = find(entries, "tree/\xC3\xBC");
        REQUIRE(entry != nullptr);
        CHECK(entry->kind == '-');
        CHECK(entry->mode == 04751);
        CHECK(entry->size == 12);
        CHECK(entry->mtime_seconds == 981173106);
        CHECK(entry->mtime_nanoseconds == 123456789);
        CHECK(entry->owner == "somebody");
        CHECK(entry->group == "some");
        auto const numeric = listed(t.dir / "numeric.tar");
        CHECK(find(numeric, "tree/")->owner == "4711");
        CHECK(find(numeric, "tree/")->group == "815");
        auto const zipped = listed(t.dir / "a.zip");
        CHECK(find(zipped, "tree/\xC3\xBC")->mtime_seconds == 981173106);
        CHECK(find(zipped, "tree/\xC3\xBC")->size == 12);
    }

    TEST_CASE("hard links name their first") {
        temp_dir const dir;
        tar_fields link;
        link.name = "second";
        link.type = '1';
        link.link = "file";
        auto const entries = listed(dir.put("a.tar", tar_entry({}, "data") + tar_entry(link, "") + tar_end()));
        REQUIRE(entries.size() == 2);
        CHECK(entries[1].kind == 'h');
        CHECK(entries[1].link_target == "file");
    }

    TEST_CASE("listing stops when asked to") {
        temp_dir const dir;
        auto const path = dir.put("a.tar", tar_entry({}, "data") + tar_entry({}, "data") + tar_end());
        int seen = 0;
        CHECK(list(path, [&](listed_entry const&) { return ++seen < 1; }).has_value());
        CHECK(seen == 1);
    }

    TEST_CASE("what is no archive is unsupported, what breaks off is corrupt, and an mtree is not believed") {
        temp_dir const dir;
        auto none = [](listed_entry const&) { return true; };
        std::string message;
        CHECK(list(dir.put("text", "just text"), none, &message).error() == errc::archive_unsupported);
        CHECK(message != "");
        CHECK(list(dir.put("m", "#mtree\n/etc/passwd type=file\n"), none).error() == errc::archive_unsupported);
        auto broken = tar_entry({}, "data") + tar_entry({}, "data");
        broken[1024 + 3] = '#';
        CHECK(list(dir.put("b.tar", broken), none).error() == errc::archive_corrupt);
        CHECK(list(dir / "missing", none).error() == std::errc::no_such_file_or_directory);
    }
}

}  // namespace submitit::archive::testing
