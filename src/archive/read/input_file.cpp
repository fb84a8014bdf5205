// SPDX-License-Identifier: Apache-2.0
#include "archive/read/input_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "base/check.hpp"
#include "base/errc.hpp"

namespace submitit::archive::reader {

result<input_file> input_file::open(std::string const& path, session& run) {
    // O_NONBLOCK: a FIFO given by mistake must not hang; it means nothing to a regular file.
    unique_fd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)};
    if (!fd) return last_errno();
    struct ::stat st{};
    if (::fstat(fd.get(), &st) != 0) return last_errno();
    if (S_ISDIR(st.st_mode)) return from_errno(EISDIR);
    if (!S_ISREG(st.st_mode)) return from_errno(ESPIPE);
    static_cast<void>(::posix_fadvise(fd.get(), 0, 0, POSIX_FADV_SEQUENTIAL));
    return input_file{std::move(fd), static_cast<std::uint64_t>(st.st_size), run};
}

result<std::size_t> input_file::read_at(std::uint64_t offset, std::span<std::byte> into) {
    if (run_->cancelled()) return errc::cancelled;
    if (offset >= size_) return std::size_t{0};
    auto const want = static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), size_ - offset));
    std::size_t done = 0;
    while (done < want) {
        auto const n = ::pread(fd_.get(), into.data() + done, want - done, static_cast<off_t>(offset + done));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return last_errno();
        if (n == 0) break;
        done += static_cast<std::size_t>(n);
    }
    run_->advance(done);
    return done;
}

result<std::span<std::byte const>> input_window::at(std::uint64_t offset, std::size_t want) {
    SUBMITIT_CHECK(want >= 1 && want <= capacity);
    std::size_t kept = 0;
    if (offset >= start_ && offset - start_ <= filled_) {
        auto const skip = static_cast<std::size_t>(offset - start_);
        kept = filled_ - skip;
        if (kept >= want) return std::span<std::byte const>{buffer_}.subspan(skip, kept);
        std::memmove(buffer_.data(), buffer_.data() + skip, kept);
    }
    start_ = offset;
    filled_ = kept;
    if (offset >= file_.size()) return std::span<std::byte const>{};
    auto const got = file_.read_at(offset + kept, std::span{buffer_}.subspan(kept));
    if (!got) return got.error();
    filled_ += *got;
    return std::span<std::byte const>{buffer_}.first(filled_);
}

}  // namespace submitit::archive::reader
