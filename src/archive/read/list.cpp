// SPDX-License-Identifier: Apache-2.0
#include "archive/read/list.hpp"

#include <algorithm>

#include "archive/read/input_file.hpp"
#include "archive/read/libarchive_handle.hpp"
#include "archive/read/session.hpp"
#include "base/errc.hpp"

namespace submitit::archive {
namespace reader {
namespace {

std::string name_or_number(char const* utf8, char const* raw, la_int64_t number) {
    if (utf8 != nullptr && *utf8 != '\0') return utf8;
    if (raw != nullptr && *raw != '\0') return raw;
    return std::to_string(number);
}

listed_entry to_listed(::archive_entry* entry) {
    listed_entry out;
    out.path = stored_path(entry);
    out.kind = stored_kind(entry);
    out.mode = static_cast<std::uint32_t>(::archive_entry_perm(entry)) & 07777U;
    out.size = static_cast<std::uint64_t>(std::max<la_int64_t>(0, ::archive_entry_size(entry)));
    out.mtime_seconds = ::archive_entry_mtime(entry);
    out.mtime_nanoseconds = static_cast<std::uint32_t>(::archive_entry_mtime_nsec(entry));
    out.owner =
        name_or_number(::archive_entry_uname_utf8(entry), ::archive_entry_uname(entry), ::archive_entry_uid(entry));
    out.group =
        name_or_number(::archive_entry_gname_utf8(entry), ::archive_entry_gname(entry), ::archive_entry_gid(entry));
    if (out.kind == 'h') out.link_target = stored_hard_link(entry);
    if (out.kind == 'l') out.link_target = stored_symlink(entry);
    return out;
}

result<> list_all(libarchive_handle& handle, std::function<bool(listed_entry const&)> const& each) {
    auto fail = [&](errc why) -> error_code { return handle.read_error() ? handle.read_error() : error_code{why}; };
    if (handle.open() != ARCHIVE_OK) return fail(errc::archive_unsupported);
    for (bool first = true;; first = false) {
        ::archive_entry* entry = nullptr;
        auto const code = ::archive_read_next_header(handle.get(), &entry);
        if (code == ARCHIVE_EOF) return {};
        if (code != ARCHIVE_OK && code != ARCHIVE_WARN)
            return fail(first && ::archive_format(handle.get()) == 0 ? errc::archive_unsupported
                                                                     : errc::archive_corrupt);
        if (!each(to_listed(entry))) return {};
    }
}

}  // namespace
}  // namespace reader

result<> list(std::string const& path, std::function<bool(listed_entry const&)> const& each, std::string* message) {
    verify_options const options;
    verify_report report;
    reader::session run{options, report};
    auto file = reader::input_file::open(path, run);
    if (!file) return file.error();
    reader::utf8_locale_scope const names_as_stored;
    reader::libarchive_handle handle{*file};
    handle.support_filters();
    handle.support_tar_and_zip();
    handle.support_containers();
    auto done = reader::list_all(handle, each);
    if (!done && message != nullptr) *message = handle.error();
    return done;
}

}  // namespace submitit::archive
