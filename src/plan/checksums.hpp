// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "base/file_stat.hpp"

namespace submitit::plan {

/// CRC-32 of files by what identifies their content: dev, ino, size, mtime and ctime. Of `entries_max`, the oldest go first; some
/// 150 bytes each. Thread-safe.
class checksums {
public:
    explicit checksums(std::size_t entries_max) : entries_max_{entries_max} {}

    [[nodiscard]] std::optional<std::uint32_t> find(file_stat const& of) const;
    void put(file_stat const& of, std::uint32_t crc);
    [[nodiscard]] std::size_t size() const;

private:
    struct key {
        std::uint64_t dev;
        std::uint64_t ino;
        bool operator==(key const&) const = default;
    };
    struct hash {
        std::size_t operator()(key const& of) const noexcept { return of.ino * 0x9E3779B97F4A7C15U ^ of.dev; }
    };
    struct known {
        std::uint64_t size;
        timestamp mtime;
        timestamp ctime;
        std::uint32_t crc;
    };

    std::size_t entries_max_;
    mutable std::mutex mutex_;
    std::unordered_map<key, known, hash> known_;
    std::deque<key> order_;
};

}  // namespace submitit::plan
