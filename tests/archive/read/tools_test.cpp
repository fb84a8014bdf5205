// SPDX-License-Identifier: Apache-2.0
// Archives made by the real programs are clean, and verify counts what they hold.
#include <doctest/doctest.h>

#include "archive/read/builders.hpp"
#include "archive/read/support.hpp"
#include "base/errc.hpp"

namespace submitit::archive::testing {
namespace {

/// 4 directories, 6 files (one empty, one that does not compress, one with a name that is not UTF-8), a symlink.
struct small_tree {
    temp_dir dir;
    std::string long_name = std::string(90, 'd') + "/" + std::string(120, 'f');

    small_tree() {
        dir.put("tree/empty", "");
        dir.put("tree/noise", noise(300'000, 1));
        dir.put("tree/prose", prose(700'000));
        dir.put("tree/sub/not\xFFutf8", "x");
        dir.put("tree/sub/\xC3\xBC", "y");
        dir.put("tree/" + long_name, "z");
        REQUIRE(dir.run("ln -s prose tree/link"));
    }
    static constexpr std::uint64_t content_bytes = 300'000 + 700'000 + 3;
};

struct by_tool {
    char const* tool;
    char const* command;
    char const* file;
    char const* format;
    char const* proof;
};

}  // namespace

TEST_SUITE("archive/read/tools") {
    TEST_CASE("what tar, zip, gzip, zstd, bsdtar, 7z and python write is clean, also compared with its source") {
        static constexpr by_tool cases[] = {
            {"tar", "tar --format=gnu -cf a.tar tree", "a.tar", "tar", "structure only"},
            {"tar", "tar --format=posix -cf a.tar tree", "a.tar", "tar", "structure only"},
            {"tar", "tar -czf a.tar.gz tree", "a.tar.gz", "tar.gz", "gzip CRC-32 and length"},
            {"pigz", "tar -cf - tree | pigz > a.tgz", "a.tgz", "tar.gz", "gzip CRC-32 and length"},
            {"zstd", "tar -cf - tree | zstd -q > a.tar.zst", "a.tar.zst", "tar.zst", "xxHash of every frame"},
            {"bsdtar", "bsdtar -cf a.tar tree", "a.tar", "tar", "structure only"},
            {"bsdtar", "bsdtar --format=ustar -cf a.tar tree/prose tree/noise tree/empty", "a.tar", "tar",
             "structure only"},
            {"zip", "zip -qry a.zip tree", "a.zip", "zip", "CRC-32 of every entry"},
            {"zip", "zip -qry - tree | cat > a.zip", "a.zip", "zip", "CRC-32 of every entry"},
            {"zip", "zip -qry0 a.zip tree", "a.zip", "zip", "CRC-32 of every entry"},
            {"bsdtar", "bsdtar --format=zip -cf a.zip tree", "a.zip", "zip", "CRC-32 of every entry"},
            {"7z", "7z a -bso0 -bsp0 -snl a.zip tree", "a.zip", "zip", "CRC-32 of every entry"},
            {"xz", "tar -cJf a.tar.xz tree", "a.tar.xz", "tar.xz", "what libarchive checks of xz"},
            {"bzip2", "tar -cjf a.tar.bz2 tree", "a.tar.bz2", "tar.bz2", "what libarchive checks of bz2"},
            {"bsdtar", "bsdtar --format=cpio -cf a.cpio tree", "a.cpio", "POSIX octet-oriented cpio",
             "what libarchive checks of it"},
        };
        small_tree const tree;
        for (auto const& one : cases) {
            CAPTURE(one.command);
            if (!have(one.tool)) continue;
            REQUIRE(tree.dir.run(std::string{"rm -f "} + one.file + "; " + one.command));
            auto const report = verified(tree.dir / one.file);
            CHECK(findings(tree.dir / one.file) == "");
            CHECK(report.format == one.format);
            CHECK(report.proof == one.proof);
            CHECK(report.files >= 3);
            CHECK(report.archive_bytes == read_file(tree.dir / one.file).size());
            if (report.files == 6)
                CHECK(report.content_bytes / 10 == small_tree::content_bytes / 10);  // zip counts link targets
            verify_options options;
            options.against = tree.dir / "tree";
            if (report.files == 6) CHECK(findings(tree.dir / one.file, options) == "");
        }
    }

    TEST_CASE("7z is read whole and its damage found, through libarchive") {
        small_tree const tree;
        if (!have("7z")) return;
        REQUIRE(tree.dir.run("7z a -bso0 -bsp0 a.7z tree/prose tree/noise"));
        auto const report = verified(tree.dir / "a.7z");
        CHECK(report.format == "7-Zip");
        CHECK(report.files == 2);
        CHECK(report.content_bytes == 1'000'000);
        CHECK(report.problem_count == 0);
        auto bytes = read_file(tree.dir / "a.7z");
        bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
        CHECK(findings_of(tree.dir, bytes, "b.7z") != "");
        CHECK(findings_of(tree.dir, bytes.substr(0, bytes.size() - 1), "c.7z") != "");
    }

    TEST_CASE("xz, bzip2 and lz4 around a tar: flipped, cut and followed by junk") {
        temp_dir const dir;
        dir.put("tree/file", prose(100'000));
        for (std::string const tool : {"xz", "bzip2", "lz4"}) {
            if (!have(tool)) continue;
            CAPTURE(tool);
            REQUIRE(dir.run("tar -cf - tree | " + tool + " -c > a.tar." + tool));
            auto const good = read_file(dir / ("a.tar." + tool));
            CHECK(findings_of(dir, good, "b.tar." + tool) == "");
            auto bad = good;
            bad[bad.size() / 2] = static_cast<char>(bad[bad.size() / 2] ^ 4);
            CHECK(findings_of(dir, bad, "b.tar." + tool) != "");
            CHECK(findings_of(dir, good.substr(0, good.size() - 1), "b.tar." + tool) != "");
            CHECK(findings_of(dir, good.substr(0, good.size() / 2), "b.tar." + tool) != "");
            CHECK(findings_of(dir, good + "some junk", "b.tar." + tool) != "");
        }
    }

    TEST_CASE("an xz dictionary larger than the memory allows is refused by number") {
        if (!have("xz")) return;
        temp_dir const dir;
        dir.put("file", "content");
        REQUIRE(dir.run("xz -k --lzma2=dict=64MiB file"));
        verify_options options;
        options.memory_bytes = 32 << 20;
        CHECK(findings(dir / "file.xz", options).find("needs a dictionary of 64.0 MiB") != std::string::npos);
        options.memory_bytes = 128 << 20;
        CHECK(findings(dir / "file.xz", options) == "");
    }

    TEST_CASE("python's zip64 and stored and deflated entries are clean") {
        if (!have("python3")) return;
        temp_dir const dir;
        REQUIRE(
            dir.run("python3 -c \"\n"
                    "import zipfile\n"
                    "z = zipfile.ZipFile('a.zip', 'w', zipfile.ZIP_DEFLATED)\n"
                    "with z.open('forced', 'w', force_zip64=True) as f: f.write(b'x' * 100000)\n"
                    "z.writestr('empty', b'')\n"
                    "z.writestr('stored', b'12345', zipfile.ZIP_STORED)\n"
                    "z.comment = b'a comment'\n"
                    "z.close()\n"
                    "class pipe:\n"
                    "    def __init__(self, f): self.f = f\n"
                    "    def write(self, b): return self.f.write(b)\n"
                    "    def flush(self): self.f.flush()\n"
                    "z = zipfile.ZipFile(pipe(open('b.zip', 'wb')), 'w', zipfile.ZIP_DEFLATED)\n"
                    "with z.open('forced', 'w', force_zip64=True) as f: f.write(b'x' * 100000)\n"
                    "z.writestr('plain', b'12345')\n"
                    "z.close()\n"
                    "\""));
        CHECK(findings(dir / "a.zip") == "");
        CHECK(verified(dir / "a.zip").content_bytes == 100'005);
        CHECK(findings(dir / "b.zip") == "");
        CHECK(verified(dir / "b.zip").notes.empty());
    }

    TEST_CASE("sparse files in all four forms of GNU tar expand to their content") {
        if (!have("tar")) return;
        temp_dir const dir;
        std::string content(3'000'000, '\0');
        overwrite(content, 1'000'000, prose(5000));
        overwrite(content, 2'500'000, "end");
        dir.put("tree/middle", content);
        REQUIRE(dir.run("cp --sparse=always tree/middle tree/holes && truncate -s 9M tree/only_hole"));
        verify_options options;
        options.against = dir / "tree";
        for (auto const* const form :
             {"gnu", "posix --sparse-version=0.0", "posix --sparse-version=0.1", "posix --sparse-version=1.0"}) {
            CAPTURE(form);
            REQUIRE(dir.run(std::string{"tar -S --format="} + form + " -cf a.tar tree"));
            CHECK(findings(dir / "a.tar", options) == "");
            auto const report = verified(dir / "a.tar");
            CHECK(report.content_bytes == 2 * 3'000'000 + 9 * 1048576);
            CHECK(report.archive_bytes < 4'000'000);
        }
    }

    TEST_CASE("a plain compressed file counts as one file") {
        temp_dir const dir;
        auto const text = prose(100'000);
        auto const gz = verified(dir.put("notes.txt.gz", gzip_member(text)));
        CHECK(gz.format == "gzip");
        CHECK(gz.files == 1);
        CHECK(gz.content_bytes == text.size());
        auto const zst = verified(dir.put("notes.txt.zst", zstd_frame(text)));
        CHECK(zst.format == "zstd");
        CHECK(zst.content_bytes == text.size());
        verify_options options;
        options.against = dir.path();
        dir.put("notes.txt", text);
        CHECK(findings(dir / "notes.txt.gz", options) == "");
        dir.put("notes.txt", text + "more");
        CHECK(findings(dir / "notes.txt.gz", options).find("100004 bytes there, 100000 in the archive") !=
              std::string::npos);
    }

    TEST_CASE("what is no archive is an error, and so is what cannot be opened") {
        temp_dir const dir;
        CHECK(verify(dir.put("text", "just text, longer than any magic number"), {}).error() ==
              errc::archive_unsupported);
        CHECK(verify(dir.put("nothing", ""), {}).error() == errc::archive_unsupported);
        CHECK(verify(dir.put("big", noise(100'000, 7)), {}).error() == errc::archive_unsupported);
        CHECK(verify(dir / "missing", {}).error() == std::errc::no_such_file_or_directory);
        CHECK(verify(dir.path(), {}).error() == std::errc::is_a_directory);
    }

    TEST_CASE("cancelling ends the run, and progress reaches the archive's size") {
        temp_dir const dir;
        auto const path = dir.put("a.gz", gzip_member(noise(2'000'000, 3)));
        verify_options options;
        std::uint64_t last = 0;
        std::uint64_t calls = 0;
        options.progress = [&](std::uint64_t read, std::uint64_t total) {
            CHECK(read >= last);
            CHECK(read <= total);
            last = read;
            ++calls;
        };
        CHECK(findings(path, options) == "");
        CHECK(last == read_file(path).size());
        CHECK(calls >= 8);
        options.cancelled = [&] { return last > 0; };
        CHECK(verify(path, options).error() == errc::cancelled);
    }
}

}  // namespace submitit::archive::testing
