// SPDX-License-Identifier: Apache-2.0
#include "archive/read/foreign_reader.hpp"

#include <algorithm>
#include <string_view>

#include "archive/read/libarchive_handle.hpp"
#include "base/endian.hpp"
#include "base/errc.hpp"

namespace submitit::archive::reader {
namespace {

struct filter_magic {
    std::string_view suffix;
    std::string_view magic;
};
constexpr filter_magic filters[] = {
    {"xz",
     {"\xFD"
      "7zXZ\0",
      6}},
    {"bz2", "BZh"},
    {"lz4", {"\x04\x22\x4D\x18", 4}},
    {"lz", "LZIP"},
    {"Z", "\x1F\x9D"},
    {"lzma", {"\x5D\0\0", 3}},
};

filter_magic const* filter_of(std::span<std::byte const> head) noexcept {
    for (auto const& one : filters) {
        if (head.size() < one.magic.size()) continue;
        if (std::ranges::equal(head.first(one.magic.size()), one.magic,
                               [](std::byte b, char c) { return std::to_integer<char>(b) == c; }))
            return &one;
    }
    return nullptr;
}

/// Size of the LZMA2 dictionary of an xz file's first block. Source: The .xz File Format 1.1.0, 3.1 and 5.3.1. It reads
/// the usual form only (one filter, or filters without properties before it do not matter): 0 when it cannot tell.
std::uint64_t xz_dictionary(std::span<std::byte const> head) noexcept {
    for (std::size_t at = 14; at + 2 < std::min<std::size_t>(head.size(), 64); ++at) {
        if (head[at] != std::byte{0x21} || head[at + 1] != std::byte{1}) continue;
        auto const bits = std::to_integer<unsigned>(head[at + 2]);
        if (bits > 40) return 0;
        return std::uint64_t{2U | (bits & 1U)} << (bits / 2 + 11);
    }
    return 0;
}

std::uint64_t dictionary_bytes(std::string_view suffix, std::span<std::byte const> head) noexcept {
    if (suffix == "xz") return xz_dictionary(head);
    if (suffix == "lzma" && head.size() >= 5) return load_le<std::uint32_t>(head.data() + 1);
    if (suffix == "lz" && head.size() >= 6) return std::uint64_t{1} << (std::to_integer<unsigned>(head[5]) & 31U);
    return 0;
}

/// Every block of the current entry's data. False: libarchive gave up, with the reason in the handle.
template <class Block>
bool read_data(libarchive_handle& handle, Block block) {
    void const* at = nullptr;
    std::size_t bytes = 0;
    la_int64_t offset = 0;
    for (;;) {
        auto const code = ::archive_read_data_block(handle.get(), &at, &bytes, &offset);
        if (code == ARCHIVE_EOF) return true;
        if (code != ARCHIVE_OK) return false;  // a bad CRC is but a warning to some of libarchive's readers
        if (bytes != 0) block(std::span{static_cast<std::byte const*>(at), bytes}, static_cast<std::uint64_t>(offset));
    }
}

class container_reader {
public:
    container_reader(session& run, entry_sink& sink, libarchive_handle& handle)
        : run_{run}, sink_{sink}, handle_{handle} {}

    /// False: damaged. Findings are reported.
    bool read_all() {
        for (;;) {
            ::archive_entry* entry = nullptr;
            auto const code = ::archive_read_next_header(handle_.get(), &entry);
            if (code == ARCHIVE_EOF) return true;
            if (code != ARCHIVE_OK && code != ARCHIVE_WARN) return damaged({});
            if (!read_entry(entry)) return false;
        }
    }

private:
    bool damaged(std::string const& path) {
        if (!handle_.read_error()) run_.problem(path, "libarchive says: " + handle_.error());
        return false;
    }

    bool read_entry(::archive_entry* entry) {
        entry_info info;
        info.path = stored_path(entry);
        info.kind = stored_kind(entry);
        if (info.kind == 'h') info.link_target = stored_hard_link(entry);
        if (info.kind == 'l') info.link_target = stored_symlink(entry);
        if (info.kind == '-' && ::archive_entry_size_is_set(entry))
            info.size = static_cast<std::uint64_t>(std::max<la_int64_t>(0, ::archive_entry_size(entry)));
        sink_.begin(info);
        std::uint64_t position = 0;
        bool const read = read_data(handle_, [&](std::span<std::byte const> bytes, std::uint64_t offset) {
            if (offset > position) sink_.hole(offset - position);
            sink_.data(bytes);
            position = offset + bytes.size();
        });
        if (!read) return damaged(info.path);
        if (info.size && position > *info.size)
            run_.problem(info.path, "holds more than the " + count_bytes(*info.size) + " declared");
        if (info.size && position < *info.size) sink_.hole(*info.size - position);
        sink_.end();
        return true;
    }

    session& run_;
    entry_sink& sink_;
    libarchive_handle& handle_;
};

}  // namespace

bool is_foreign_filter(std::span<std::byte const> head) noexcept { return filter_of(head) != nullptr; }

result<> read_foreign_filter(session& run, input_file& file, byte_sink& content, std::string& suffix) {
    std::byte head[64]{};
    auto const got = file.read_at(0, head);
    if (!got) return got.error();
    auto const* const filter = filter_of(std::span{head}.first(*got));
    if (filter == nullptr) return errc::archive_unsupported;
    suffix = filter->suffix;
    run.report().proof = "what libarchive checks of " + suffix;
    if (auto const bytes = dictionary_bytes(suffix, head); bytes > run.window_bytes_max()) {
        run.problem({}, run.too_large("dictionary", bytes));
        return {};
    }
    libarchive_handle handle{file};
    handle.support_filters();
    handle.support_raw();
    ::archive_entry* entry = nullptr;
    bool sound = handle.open() == ARCHIVE_OK;
    if (sound) {
        auto const code = ::archive_read_next_header(handle.get(), &entry);
        sound = code == ARCHIVE_OK &&
                read_data(handle, [&](std::span<std::byte const> bytes, std::uint64_t) { content.feed(bytes); });
        if (code == ARCHIVE_EOF) sound = true;  // decodes to nothing
    }
    if (handle.read_error()) return handle.read_error();
    if (!sound) {
        run.problem({}, "libarchive says: " + handle.error());
        return {};
    }
    auto const used = static_cast<std::uint64_t>(std::max<la_int64_t>(0, ::archive_filter_bytes(handle.get(), -1)));
    if (used < file.size()) run.problem({}, "something that is no part of it follows the compressed data");
    content.finish();
    return {};
}

result<> read_foreign_container(session& run, input_file& file, entry_sink& sink) {
    libarchive_handle handle{file};
    handle.support_containers();
    ::archive_entry* entry = nullptr;
    // The format is only known once a header was read, so the first one is read by a reader of its own.
    auto const opened = handle.open();
    auto const first = opened == ARCHIVE_OK ? ::archive_read_next_header(handle.get(), &entry) : opened;
    if (handle.read_error()) return handle.read_error();
    auto const* const name = ::archive_format_name(handle.get());
    if (name == nullptr || ::archive_format(handle.get()) == 0) return errc::archive_unsupported;
    run.report().format = name;
    run.report().proof = "what libarchive checks of it";
    if (first != ARCHIVE_OK && first != ARCHIVE_WARN && first != ARCHIVE_EOF) {
        run.problem({}, "libarchive says: " + handle.error());
        return {};
    }
    libarchive_handle again{file};
    again.support_containers();
    if (again.open() != ARCHIVE_OK)
        return again.read_error() ? result<>{again.read_error()} : result<>{errc::archive_unsupported};
    container_reader{run, sink, again}.read_all();
    if (again.read_error()) return again.read_error();
    return {};
}

}  // namespace submitit::archive::reader
