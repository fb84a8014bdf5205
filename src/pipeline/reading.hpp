// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "archive/encoder.hpp"
#include "walk/notice.hpp"

namespace submitit::pipeline {

/// What a finished read means.
enum class verdict : std::uint8_t {
    settled,    ///< good, left out or changed: `of` says which
    try_again,  ///< prepared for another attempt
};

/// Judges one finished read of a whole file: unchanged files pass; one that changed is read again, up to three times,
/// while nothing of it has left; what cannot be read stays out (RELIABILITY: vanished, replaced, unreadable).
[[nodiscard]] verdict judge_whole(archive::content& of) noexcept;

/// The same for one segment of a large file, whose declared size holds whatever happens.
[[nodiscard]] verdict judge_segment(archive::content& of) noexcept;

/// The notices of a batch's contents, in entry order.
void collect_notices(std::vector<archive::content> const& contents, std::vector<walk::notice>& into);

}  // namespace submitit::pipeline
