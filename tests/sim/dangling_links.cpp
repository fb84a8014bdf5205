// SPDX-License-Identifier: Apache-2.0
#include "sim/dangling_links.hpp"

#include <archive.h>
#include <archive_entry.h>

#include <memory>
#include <set>

namespace submitit::sim {

std::string dangling_links(std::string_view bytes) {
    std::unique_ptr<::archive, int (*)(::archive*)> const from{::archive_read_new(), ::archive_read_free};
    ::archive_read_support_filter_gzip(from.get());
    ::archive_read_support_filter_zstd(from.get());
    ::archive_read_support_format_tar(from.get());
    ::archive_read_support_format_zip(from.get());
    if (::archive_read_open_memory(from.get(), bytes.data(), bytes.size()) != ARCHIVE_OK) return "not read\n";
    std::set<std::string> names;
    std::string dangling;
    ::archive_entry* entry = nullptr;
    int code = ARCHIVE_OK;
    while ((code = ::archive_read_next_header(from.get(), &entry)) == ARCHIVE_OK) {
        auto const* const target = ::archive_entry_hardlink(entry);
        if (target != nullptr && !names.contains(target)) dangling += std::string{target} + '\n';
        names.insert(::archive_entry_pathname(entry));
    }
    if (code != ARCHIVE_EOF) dangling += "not read to its end\n";
    return dangling;
}

}  // namespace submitit::sim
