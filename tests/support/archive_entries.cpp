// SPDX-License-Identifier: Apache-2.0
#include "support/archive_entries.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <array>
#include <clocale>
#include <memory>
#include <string_view>

namespace submitit::testing {
namespace {

struct reader_deleter {
    void operator()(::archive* reader) const noexcept { ::archive_read_free(reader); }
};
using reader = std::unique_ptr<::archive, reader_deleter>;

std::string text_of(char const* text) { return text != nullptr ? text : ""; }

char kind_of(::archive_entry* entry) {
    if (::archive_entry_hardlink(entry) != nullptr) return 'h';
    switch (::archive_entry_filetype(entry)) {
        case AE_IFREG: return '-';
        case AE_IFDIR: return 'd';
        case AE_IFLNK: return 'l';
        case AE_IFIFO: return 'p';
        case AE_IFCHR: return 'c';
        case AE_IFBLK: return 'b';
        default: return '?';
    }
}

std::string content_of(::archive* from) {
    std::string content;
    std::array<char, 65536> buffer;
    for (;;) {
        auto const n = ::archive_read_data(from, buffer.data(), buffer.size());
        INFO("libarchive: ", text_of(::archive_error_string(from)));
        REQUIRE(n >= 0);
        if (n == 0) return content;
        content.append(buffer.data(), static_cast<std::size_t>(n));
    }
}

archive_entry_seen read_entry(::archive* from, ::archive_entry* entry) {
    archive_entry_seen seen;
    seen.name = text_of(::archive_entry_pathname(entry));
    seen.kind = kind_of(entry);
    seen.mode = ::archive_entry_perm(entry);
    seen.mtime = ::archive_entry_mtime(entry);
    seen.mtime_ns = ::archive_entry_mtime_nsec(entry);
    seen.uid = ::archive_entry_uid(entry);
    seen.gid = ::archive_entry_gid(entry);
    seen.owner = text_of(::archive_entry_uname(entry));
    seen.group = text_of(::archive_entry_gname(entry));
    seen.target = text_of(seen.kind == 'h' ? ::archive_entry_hardlink(entry) : ::archive_entry_symlink(entry));
    char const* key = nullptr;
    void const* value = nullptr;
    std::size_t size = 0;
    ::archive_entry_xattr_reset(entry);
    while (::archive_entry_xattr_next(entry, &key, &value, &size) == ARCHIVE_OK)
        seen.attributes[key] = std::string{static_cast<char const*>(value), size};
    seen.content = content_of(from);
    return seen;
}

}  // namespace

std::vector<archive_entry_seen> entries_of(std::string const& path) {
    std::setlocale(LC_CTYPE, "C.UTF-8");  // libarchive converts names by it
    reader const from{::archive_read_new()};
    REQUIRE(from);
    ::archive_read_support_filter_all(from.get());
    ::archive_read_support_format_tar(from.get());
    ::archive_read_support_format_zip_seekable(from.get());
    std::vector<archive_entry_seen> all;
    INFO("archive: ", path);
    auto opened = ::archive_read_open_filename(from.get(), path.c_str(), 65536);
    INFO("libarchive: ", text_of(::archive_error_string(from.get())));
    REQUIRE(opened == ARCHIVE_OK);
    for (;;) {
        ::archive_entry* entry = nullptr;
        auto const got = ::archive_read_next_header(from.get(), &entry);
        if (got == ARCHIVE_EOF) return all;
        INFO("libarchive: ", text_of(::archive_error_string(from.get())));
        REQUIRE(got >= ARCHIVE_WARN);  // WARN: a name that is not UTF-8
        all.push_back(read_entry(from.get(), entry));
    }
}

std::vector<std::string> names_of(std::string const& path) {
    std::vector<std::string> names;
    for (auto const& entry : entries_of(path)) names.push_back(entry.name);
    return names;
}

archive_entry_seen entry_of(std::string const& path, std::string const& name) {
    for (auto& entry : entries_of(path))
        if (entry.name == name) return entry;
    FAIL("no entry ", name, " in ", path);
    return {};
}

}  // namespace submitit::testing
