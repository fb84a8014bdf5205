// SPDX-License-Identifier: Apache-2.0
#include "archive/read/libarchive_handle.hpp"

#include <sys/stat.h>

#include <new>

namespace submitit::archive::reader {
namespace {

constexpr std::size_t buffer_bytes = std::size_t{128} * 1024;

std::string first_of(char const* utf8, char const* raw) {
    if (utf8 != nullptr) return utf8;
    return raw != nullptr ? raw : "";
}

}  // namespace

libarchive_handle::libarchive_handle(input_file& file)
    : file_{file}, buffer_(buffer_bytes), archive_{::archive_read_new()} {
    if (!archive_) throw std::bad_alloc{};
}

void libarchive_handle::support_filters() {
    auto* const a = archive_.get();
    for (auto* const support :
         {&::archive_read_support_filter_gzip, &::archive_read_support_filter_zstd, &::archive_read_support_filter_xz,
          &::archive_read_support_filter_bzip2, &::archive_read_support_filter_lz4, &::archive_read_support_filter_lzip,
          &::archive_read_support_filter_lzma, &::archive_read_support_filter_compress})
        static_cast<void>(support(a));
}

void libarchive_handle::support_containers() {
    auto* const a = archive_.get();
    for (auto* const support :
         {&::archive_read_support_format_7zip, &::archive_read_support_format_rar, &::archive_read_support_format_rar5,
          &::archive_read_support_format_cpio, &::archive_read_support_format_iso9660,
          &::archive_read_support_format_cab, &::archive_read_support_format_xar, &::archive_read_support_format_ar})
        static_cast<void>(support(a));
}

void libarchive_handle::support_tar_and_zip() {
    static_cast<void>(::archive_read_support_format_tar(archive_.get()));
    static_cast<void>(::archive_read_support_format_zip(archive_.get()));
}

void libarchive_handle::support_raw() {
    static_cast<void>(::archive_read_support_format_raw(archive_.get()));
    static_cast<void>(::archive_read_support_format_empty(archive_.get()));
}

int libarchive_handle::open() {
    auto* const a = archive_.get();
    ::archive_read_set_callback_data(a, this);
    ::archive_read_set_read_callback(a, &on_read);
    ::archive_read_set_skip_callback(a, &on_skip);
    ::archive_read_set_seek_callback(a, &on_seek);
    return ::archive_read_open1(a);
}

std::string libarchive_handle::error() {
    auto const* const text = ::archive_error_string(archive_.get());
    return text != nullptr ? text : "it cannot be read, for no given reason";
}

la_ssize_t libarchive_handle::on_read(::archive* a, void* self, void const** buffer) {
    auto& own = *static_cast<libarchive_handle*>(self);
    auto const got = own.file_.read_at(own.position_, own.buffer_);
    if (!got) {
        own.read_error_ = got.error();
        ::archive_set_error(a, EIO, "%s", got.error().message().c_str());
        return -1;
    }
    own.position_ += *got;
    *buffer = own.buffer_.data();
    return static_cast<la_ssize_t>(*got);
}

la_int64_t libarchive_handle::on_skip(::archive*, void* self, la_int64_t bytes) {
    auto& own = *static_cast<libarchive_handle*>(self);
    if (bytes <= 0 || own.position_ >= own.file_.size()) return 0;
    auto const skipped = std::min(static_cast<std::uint64_t>(bytes), own.file_.size() - own.position_);
    own.position_ += skipped;
    return static_cast<la_int64_t>(skipped);
}

la_int64_t libarchive_handle::on_seek(::archive*, void* self, la_int64_t offset, int whence) {
    auto& own = *static_cast<libarchive_handle*>(self);
    auto const size = static_cast<la_int64_t>(own.file_.size());
    auto const from = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? static_cast<la_int64_t>(own.position_) : size;
    la_int64_t to = 0;
    if (__builtin_add_overflow(from, offset, &to) || to < 0 || to > size) return ARCHIVE_FATAL;
    own.position_ = static_cast<std::uint64_t>(to);
    return to;
}

std::string stored_path(::archive_entry* entry) {
    return first_of(::archive_entry_pathname_utf8(entry), ::archive_entry_pathname(entry));
}

std::string stored_symlink(::archive_entry* entry) {
    return first_of(::archive_entry_symlink_utf8(entry), ::archive_entry_symlink(entry));
}

std::string stored_hard_link(::archive_entry* entry) {
    return first_of(::archive_entry_hardlink_utf8(entry), ::archive_entry_hardlink(entry));
}

char stored_kind(::archive_entry* entry) {
    if (!stored_hard_link(entry).empty()) return 'h';
    switch (::archive_entry_filetype(entry)) {
        case AE_IFDIR: return 'd';
        case AE_IFLNK: return 'l';
        case AE_IFIFO: return 'p';
        case AE_IFCHR: return 'c';
        case AE_IFBLK: return 'b';
        default: return '-';
    }
}

}  // namespace submitit::archive::reader
