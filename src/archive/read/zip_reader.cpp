// SPDX-License-Identifier: Apache-2.0
#include "archive/read/zip_reader.hpp"

#include <sys/stat.h>

#include <algorithm>

#include "archive/read/extent_set.hpp"
#include "archive/read/zip_compare.hpp"
#include "archive/read/zip_content.hpp"
#include "archive/read/zip_end.hpp"
#include "archive/read/zip_records.hpp"
#include "base/endian.hpp"

namespace submitit::archive::reader {
namespace {

constexpr unsigned host_unix = 3, host_darwin = 19;
constexpr std::uint64_t extent_bytes = 64;  // of one map node

char kind_of(zip_central const& entry) {
    if (entry.host == host_unix || entry.host == host_darwin) {
        switch (entry.external_attributes >> 16U & S_IFMT) {
            case S_IFLNK: return 'l';
            case S_IFDIR: return 'd';
            case S_IFREG: return '-';
            case S_IFIFO: return 'p';
            case S_IFCHR: return 'c';
            case S_IFBLK: return 'b';
            default: break;
        }
    }
    return entry.name.ends_with('/') ? 'd' : '-';
}

class zip_reader {
public:
    zip_reader(session& run, input_file& file, entry_sink& sink, zip_end const& end)
        : run_{run},
          sink_{sink},
          end_{end},
          directory_{file},
          data_{file},
          content_{run, data_, sink},
          extents_{static_cast<std::size_t>(run.options().memory_bytes / 4 / extent_bytes)} {}

    result<> read_all() {
        if (auto const placed = place_directory(); !placed) return placed.error();
        auto const stop = end_.start;
        auto position = directory_start_;
        std::uint64_t entries = 0;
        while (position < stop) {
            auto const bytes = read_entry(position, stop);
            if (!bytes) return bytes.error();
            if (*bytes == 0) return {};
            position += *bytes;
            ++entries;
        }
        if (entries != end_.entries)
            run_.problem({}, "the directory holds " + std::to_string(entries) + " entries, the end record says " +
                                 std::to_string(end_.entries));
        // Only a sound archive can be asked how much of it is accounted for.
        if (run_.report().problem_count == 0 && extents_.covered_bytes() < directory_start_)
            run_.note(count_bytes(directory_start_ - extents_.covered_bytes()) +
                      " in front of the directory belong to no entry");
        return {};
    }

private:
    /// Settles where the directory starts: where the end record says, unless something was put in front of the archive.
    result<> place_directory() {
        auto const bytes = end_.directory_bytes;
        if (bytes > end_.start || end_.directory_offset > end_.start - bytes) {
            run_.problem({}, "the end record places the directory behind itself");
            directory_start_ = std::min(end_.directory_offset, end_.start);
            return {};
        }
        directory_start_ = end_.directory_offset;
        auto const off = end_.start - bytes - end_.directory_offset;
        if (off == 0) return {};
        run_.problem({},
                     "the directory does not end where the end records begin: they are " + count_bytes(off) + " apart");
        auto const view = directory_.at(end_.start - bytes, 4);
        if (!view) return view.error();
        if (view->size() < 4 || load_le<std::uint32_t>(view->data()) != zip_central_magic) return {};
        base_ = off;
        directory_start_ += off;
        return {};
    }

    void unreadable(std::uint64_t position, std::string_view what) {
        run_.problem({}, "the directory is damaged at byte " + std::to_string(position) + ": " + std::string{what});
    }

    /// Proves the entry whose directory record is at `position`; the record's length, 0 when the directory is lost.
    result<std::size_t> read_entry(std::uint64_t position, std::uint64_t stop) {
        auto view = directory_.at(position, std::size_t{zip_central_bytes});
        if (!view) return view.error();
        if (stop - position < zip_central_bytes || view->size() < zip_central_bytes ||
            load_le<std::uint32_t>(view->data()) != zip_central_magic) {
            unreadable(position, "no entry begins there");
            return std::size_t{0};
        }
        auto const total = zip_central_total(view->data());
        view = directory_.at(position, total);
        if (!view) return view.error();
        if (stop - position < total || view->size() < total) {
            unreadable(position, "an entry reaches past its end");
            return std::size_t{0};
        }
        if (auto const proven = prove(parse_zip_central(view->first(total))); !proven) return proven.error();
        return total;
    }

    verdict damaged(zip_central const& entry, std::string message) {
        return run_.problem(entry.name, std::move(message));
    }

    /// Whether the entry is sound. Findings are reported; an error is one of reading.
    result<verdict> prove(zip_central const& entry) {
        entry_info info;
        info.path = entry.name;
        info.kind = kind_of(entry);
        info.size = entry.content_bytes;
        sink_.begin(info);
        if (entry.zip64_missing) return damaged(entry, "a size points to a Zip64 field that is not there");
        if (entry.disk != 0) return damaged(entry, "lies on another volume of a split archive");
        auto const local = read_local(entry);
        if (!local) return local.error();
        if (local->bytes == 0) return verdict::damaged;
        auto const data = base_ + entry.local_offset + local->bytes;
        if (data > directory_start_ || entry.compressed_bytes > directory_start_ - data)
            return damaged(entry, "its data would reach into the directory");
        auto const data_end = data + entry.compressed_bytes;
        // Before anything is decoded: entries that share their data are how a small archive holds petabytes.
        if (claim(entry, base_ + entry.local_offset, data_end) != verdict::sound) return verdict::damaged;
        auto const sound = content_.prove(entry, data);
        if (!sound || *sound != verdict::sound) return sound;
        auto const end = read_descriptor(entry, *local, data_end);
        if (!end) return end.error();
        sink_.end();
        return claim(entry, data_end, *end);
    }

    /// The local header, compared with the directory; bytes == 0 when there is none. Its views are gone by then.
    result<zip_local> read_local(zip_central const& entry) {
        zip_local none;
        if (entry.local_offset > directory_start_ - base_) {
            damaged(entry, "the directory places it behind itself");
            return none;
        }
        auto const offset = base_ + entry.local_offset;
        auto view = data_.at(offset, zip_local_bytes);
        if (!view) return view.error();
        if (view->size() < zip_local_bytes || load_le<std::uint32_t>(view->data()) != zip_local_magic) {
            damaged(entry, "no local header is where the directory places it");
            return none;
        }
        auto const total = zip_local_total(view->data());
        view = data_.at(offset, total);
        if (!view) return view.error();
        if (view->size() < total) {
            damaged(entry, "its local header is cut short");
            return none;
        }
        auto const local = parse_zip_local(view->first(total));
        compare_zip_headers(run_, entry, local);
        return local;
    }

    /// Where the entry ends: behind its descriptor, if it has one.
    result<std::uint64_t> read_descriptor(zip_central const& entry, zip_local const& local, std::uint64_t position) {
        if (!entry.has_descriptor()) return position;
        auto const view = data_.at(position, 24);
        if (!view) return view.error();
        auto const own =
            view->first(static_cast<std::size_t>(std::min<std::uint64_t>(view->size(), directory_start_ - position)));
        for (bool const with_signature : {true, false}) {
            for (bool const wide : {local.has_zip64, !local.has_zip64}) {
                auto const found = parse_zip_descriptor(own, with_signature, wide);
                if (!found || found->crc != entry.crc || found->compressed_bytes != entry.compressed_bytes ||
                    found->content_bytes != entry.content_bytes)
                    continue;
                if (wide != local.has_zip64) run_.note("data descriptors are not as wide as the Zip64 rule asks");
                if (!with_signature) run_.note("data descriptors have no signature");
                return position + found->bytes;
            }
        }
        damaged(entry, "its data descriptor does not repeat the directory's CRC-32 and sizes");
        return position;
    }

    verdict claim(zip_central const& entry, std::uint64_t start, std::uint64_t end) {
        switch (extents_.add(start, end)) {
            case extent_set::added::fine: return verdict::sound;
            case extent_set::added::overlaps: return damaged(entry, "shares bytes of the archive with another entry");
            default: return damaged(entry, "lies so scattered that overlaps cannot be excluded in the memory allowed");
        }
    }

    session& run_;
    entry_sink& sink_;
    zip_end end_;
    input_window directory_;
    input_window data_;
    zip_content content_;
    extent_set extents_;
    std::uint64_t directory_start_ = 0;
    std::uint64_t base_ = 0;  // bytes in front of the archive that its offsets do not count
};

}  // namespace

result<> read_zip(session& run, input_file& file, entry_sink& sink) {
    auto const end = find_zip_end(run, file);
    if (!end) return end.error();
    run.report().proof = "CRC-32 of every entry";
    if (!*end) {
        run.problem({}, "there is no end record: the archive is cut short");
        return {};
    }
    return zip_reader{run, file, sink, **end}.read_all();
}

}  // namespace submitit::archive::reader
