// SPDX-License-Identifier: Apache-2.0
#include "archive/read/verify.hpp"

#include <sys/stat.h>

#include "archive/read/against.hpp"
#include "archive/read/content_stream.hpp"
#include "archive/read/foreign_reader.hpp"
#include "archive/read/gzip_reader.hpp"
#include "archive/read/input_file.hpp"
#include "archive/read/libarchive_handle.hpp"
#include "archive/read/session.hpp"
#include "archive/read/tally.hpp"
#include "archive/read/tar_parser.hpp"
#include "archive/read/zip_end.hpp"
#include "archive/read/zip_reader.hpp"
#include "archive/read/zip_records.hpp"
#include "archive/read/zstd_frame.hpp"
#include "archive/read/zstd_reader.hpp"
#include "base/endian.hpp"
#include "base/errc.hpp"

namespace submitit::archive {
namespace reader {
namespace {

enum class container { zip, gzip, zstd, tar, foreign_filter, other };

/// By content; the name helps only where content cannot tell (an empty tar is all zeros).
result<container> detect(input_file& file, bool named_tar) {
    std::byte bytes[tar_block_bytes]{};
    auto const got = file.read_at(0, bytes);
    if (!got) return got.error();
    auto const head = std::span<std::byte const>{bytes}.first(*got);
    auto const magic = head.size() >= 4 ? load_le<std::uint32_t>(head.data()) : 0;
    if (magic == zip_local_magic || magic == zip_end_magic) return container::zip;
    if ((magic & 0xFFFFU) == 0x8B1FU) return container::gzip;
    if (magic == zstd_magic || (magic & zstd_skippable_mask) == zstd_skippable_magic) return container::zstd;
    if (is_foreign_filter(head)) return container::foreign_filter;
    if (head.size() == tar_block_bytes) {
        auto const block = head.first<tar_block_bytes>();
        bool const zeros = is_zero_block(block);
        if (zeros ? named_tar : has_tar_magic(block) || tar_checksum_matches(block)) return container::tar;
    }
    auto const zip_behind_something = ends_like_zip(file);
    if (!zip_behind_something) return zip_behind_something.error();
    return *zip_behind_something ? container::zip : container::other;
}

result<> read_tar(session& run, input_file& file, entry_sink& sink) {
    tar_parser tar{run, sink};
    input_window window{file};
    for (std::uint64_t position = 0; position < file.size();) {
        auto const view = window.at(position);
        if (!view) return view.error();
        if (view->empty()) break;
        tar.feed(*view);
        position += view->size();
    }
    tar.finish();
    run.report().format = "tar";
    run.report().proof = "structure only";
    return {};
}

/// A compressed stream: the reader decodes it, and what it holds names the format.
template <class Read>
result<> read_stream(session& run, std::string const& path, entry_sink& sink, std::string const& alone,
                     std::string const& around_tar, Read read) {
    auto const name = split_archive_name(path);
    content_stream content{run, sink, name.names_tar, name.stem};
    if (auto const done = read(content); !done) return done;
    run.report().format = content.is_tar() ? around_tar : alone;
    return {};
}

result<> read_filtered(session& run, input_file& file, std::string const& path, entry_sink& sink) {
    std::string suffix;
    auto const done = read_stream(run, path, sink, {}, "tar.",
                                  [&](byte_sink& content) { return read_foreign_filter(run, file, content, suffix); });
    run.report().format += suffix;
    return done;
}

result<> read_any(session& run, input_file& file, std::string const& path, entry_sink& sink) {
    auto const kind = detect(file, split_archive_name(path).names_tar);
    if (!kind) return kind.error();
    switch (*kind) {
        case container::zip: run.report().format = "zip"; return read_zip(run, file, sink);
        case container::gzip:
            return read_stream(run, path, sink, "gzip", "tar.gz",
                               [&](byte_sink& content) { return read_gzip(run, file, content); });
        case container::zstd:
            return read_stream(run, path, sink, "zstd", "tar.zst",
                               [&](byte_sink& content) { return read_zstd(run, file, content); });
        case container::tar: return read_tar(run, file, sink);
        case container::foreign_filter: return read_filtered(run, file, path, sink);
        case container::other: break;
    }
    return read_foreign_container(run, file, sink);
}

}  // namespace
}  // namespace reader

result<verify_report> verify(std::string const& path, verify_options const& options) {
    verify_report report;
    reader::session run{options, report};
    auto file = reader::input_file::open(path, run);
    if (!file) return file.error();
    report.archive_bytes = file->size();

    std::unique_ptr<reader::against> comparison;
    if (!options.against.empty()) {
        struct ::stat st{};
        if (::fstat(file->fd(), &st) != 0) return last_errno();
        auto opened = reader::against::open(run, to_file_stat(st));
        if (!opened) return opened.error();
        comparison = std::move(*opened);
    }
    reader::tally counted{run, comparison.get()};
    reader::utf8_locale_scope const names_as_stored;
    if (auto const done = reader::read_any(run, *file, path, counted); !done) return done.error();
    if (comparison) comparison->finish();
    return report;
}

}  // namespace submitit::archive
