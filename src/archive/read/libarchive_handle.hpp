// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <archive.h>
#include <archive_entry.h>
#include <locale.h>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "archive/read/input_file.hpp"

namespace submitit::archive::reader {

/// libarchive decides by the thread's locale how names are converted, and turns what it cannot convert into nothing.
/// While one of these lives the calling thread has a UTF-8 locale (or C, where there is none; names that a format keeps
/// in UTF-16 are lost there), so names come out as they are stored.
class utf8_locale_scope {
public:
    utf8_locale_scope() noexcept : own_{::newlocale(LC_ALL_MASK, "C.UTF-8", nullptr)} {
        if (own_ == nullptr) own_ = ::newlocale(LC_ALL_MASK, "C", nullptr);
        if (own_ != nullptr) before_ = ::uselocale(own_);
    }
    ~utf8_locale_scope() {
        if (own_ == nullptr) return;
        ::uselocale(before_);
        ::freelocale(own_);
    }
    utf8_locale_scope(utf8_locale_scope const&) = delete;
    utf8_locale_scope& operator=(utf8_locale_scope const&) = delete;

private:
    ::locale_t own_;
    ::locale_t before_ = nullptr;
};

/// A libarchive reader over an input_file, with exactly the formats that neither run other programs nor read other
/// files (mtree and the lrzip, lzop and grzip filters do).
class libarchive_handle {
public:
    explicit libarchive_handle(input_file& file);
    libarchive_handle(libarchive_handle const&) = delete;
    libarchive_handle& operator=(libarchive_handle const&) = delete;

    void support_filters();
    void support_containers();  ///< those verify() has no reader of its own for
    void support_tar_and_zip();
    void support_raw();  ///< whatever a filter decodes to, as one entry

    /// ARCHIVE_OK or the error; then `error()` and `read_error()` tell more.
    [[nodiscard]] int open();

    [[nodiscard]] ::archive* get() noexcept { return archive_.get(); }
    [[nodiscard]] std::string error();
    /// What reading the file failed with, if that is why libarchive stopped.
    [[nodiscard]] error_code read_error() const noexcept { return read_error_; }

private:
    static la_ssize_t on_read(::archive* a, void* self, void const** buffer);
    static la_int64_t on_skip(::archive* a, void* self, la_int64_t bytes);
    static la_int64_t on_seek(::archive* a, void* self, la_int64_t offset, int whence);

    struct free_archive {
        void operator()(::archive* a) const noexcept { ::archive_read_free(a); }
    };

    input_file& file_;
    std::vector<std::byte> buffer_;
    std::uint64_t position_ = 0;
    error_code read_error_;
    std::unique_ptr<::archive, free_archive> archive_;
};

/// Names as stored, whatever libarchive took them for.
[[nodiscard]] std::string stored_path(::archive_entry* entry);
[[nodiscard]] std::string stored_symlink(::archive_entry* entry);
[[nodiscard]] std::string stored_hard_link(::archive_entry* entry);  ///< empty: is none
[[nodiscard]] char stored_kind(::archive_entry* entry);

}  // namespace submitit::archive::reader
