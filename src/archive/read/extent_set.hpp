// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>

namespace submitit::archive::reader {

/// Which bytes of a file are spoken for. Neighbours merge, so an archive whose entries lie in directory order without
/// gaps takes one element however many there are; at most `pieces_max` (about 64 bytes each).
class extent_set {
public:
    explicit extent_set(std::size_t pieces_max) : pieces_max_{pieces_max} {}

    enum class added { fine, overlaps, full };
    /// Claims [start, end); nothing happens unless the answer is `fine`.
    [[nodiscard]] added add(std::uint64_t start, std::uint64_t end);

    [[nodiscard]] std::uint64_t covered_bytes() const noexcept { return covered_; }

private:
    std::map<std::uint64_t, std::uint64_t> pieces_;  // start -> end, disjoint and not touching
    std::size_t pieces_max_;
    std::uint64_t covered_ = 0;
};

}  // namespace submitit::archive::reader
