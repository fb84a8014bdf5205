// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.hpp"
#include "base/spill_file.hpp"

namespace submitit::archive {

/// Bytes collected while the archive is written and played back at its end: a zip's central directory, a seek table. Holds
/// `window_bytes` in memory, the rest in a spill file.
class record_spool {
public:
    explicit record_spool(std::size_t window_bytes) : window_bytes_{window_bytes} {}

    [[nodiscard]] result<> append(std::span<std::byte const> record) {
        if (held_.size() + record.size() > window_bytes_ && !held_.empty()) {
            auto const written = file_.append(held_);
            if (!written) return written.error();
            held_.clear();
        }
        if (held_.capacity() == 0) held_.reserve(window_bytes_);
        held_.insert(held_.end(), record.begin(), record.end());
        size_ += record.size();
        return {};
    }

    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }

    /// The next bytes from the start on; empty at the end. Nothing may be appended any more.
    [[nodiscard]] result<std::span<std::byte const>> play(std::vector<std::byte>& buffer, std::size_t chunk_bytes) {
        if (played_ < file_.size()) {
            auto const n = std::min<std::uint64_t>(std::min(chunk_bytes, std::max<std::size_t>(window_bytes_, 4096)),
                                                   file_.size() - played_);
            buffer.resize(static_cast<std::size_t>(n));
            if (auto const got = file_.read(played_, buffer); !got) return got.error();
            played_ += n;
            return std::span<std::byte const>{buffer};
        }
        if (played_ == size_) return std::span<std::byte const>{};
        played_ = size_;
        return std::span<std::byte const>{held_};
    }

private:
    std::size_t window_bytes_;
    std::vector<std::byte> held_;
    spill_file file_;
    std::uint64_t size_ = 0;
    std::uint64_t played_ = 0;
};

}  // namespace submitit::archive
