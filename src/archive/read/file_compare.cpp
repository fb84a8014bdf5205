// SPDX-License-Identifier: Apache-2.0
#include "archive/read/file_compare.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace submitit::archive::reader {

void file_compare::start(unique_fd file) {
    file_ = std::move(file);
    position_ = 0;
}

std::string file_compare::differs(std::string why) {
    file_.reset();
    return why;
}

/// Compares the next `bytes` (at most the buffer) with `expected`, or with zeros when that is empty.
std::string file_compare::piece(std::span<std::byte const> expected, std::size_t bytes) {
    std::size_t got = 0;
    while (got < bytes) {
        auto const n = ::pread(file_.get(), buffer_.data() + got, bytes - got, static_cast<off_t>(position_ + got));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return differs("cannot be read there: " + std::generic_category().message(errno));
        if (n == 0) break;
        got += static_cast<std::size_t>(n);
    }
    auto const have = std::span<std::byte const>{buffer_}.first(got);
    auto const wrong = expected.empty() ? std::ranges::find_if(have, [](std::byte b) { return b != std::byte{0}; })
                       : std::memcmp(have.data(), expected.data(), got) == 0
                           ? have.end()
                           : std::ranges::mismatch(have, expected.first(got)).in1;
    if (wrong != have.end())
        return differs("differs at byte " +
                       std::to_string(position_ + static_cast<std::uint64_t>(wrong - have.begin())));
    position_ += got;
    if (got < bytes) return differs("is only " + std::to_string(position_) + " bytes there");
    return {};
}

std::string file_compare::data(std::span<std::byte const> bytes) {
    std::string why;
    while (!bytes.empty() && why.empty()) {
        auto const n = std::min(bytes.size(), buffer_.size());
        why = piece(bytes.first(n), n);
        bytes = bytes.subspan(n);
    }
    return why;
}

bool file_compare::only_hole_ahead(std::uint64_t bytes) const {
    auto const next = ::lseek(file_.get(), static_cast<off_t>(position_), SEEK_DATA);
    if (next < 0) return errno == ENXIO && ::lseek(file_.get(), 0, SEEK_END) >= static_cast<off_t>(position_ + bytes);
    return static_cast<std::uint64_t>(next) >= position_ + bytes;
}

std::string file_compare::hole(std::uint64_t bytes) {
    if (only_hole_ahead(bytes)) {
        position_ += bytes;
        return {};
    }
    std::string why;
    while (bytes != 0 && why.empty()) {
        if (cancelled_ && cancelled_()) return differs({});
        auto const n = static_cast<std::size_t>(std::min<std::uint64_t>(bytes, buffer_.size()));
        why = piece({}, n);
        bytes -= n;
    }
    return why;
}

std::string file_compare::end() {
    auto const size = ::lseek(file_.get(), 0, SEEK_END);
    file_.reset();
    if (size >= 0 && static_cast<std::uint64_t>(size) == position_) return {};
    return "is " + std::to_string(size) + " bytes there, " + std::to_string(position_) + " in the archive";
}

}  // namespace submitit::archive::reader
