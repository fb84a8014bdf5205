// SPDX-License-Identifier: Apache-2.0
#include "library/shared_file.hpp"

#include <sys/uio.h>

#include <algorithm>

namespace submitit::detail {
namespace {

/// The host's thread does the copy, so it is bounded: 64 KiB take some 10 us.
constexpr std::size_t cached_bytes_max = std::size_t{64} << 10U;

/// After n misses in a row so many reads, at most, go to the engine unasked.
constexpr std::uint32_t skipped_max = 63;

}  // namespace

shared_file::cached shared_file::try_cached(std::uint64_t offset, std::span<std::byte> into) noexcept {
    if (!cached_reads_ || into.size() > cached_bytes_max || !worth_trying()) return {};
    ::iovec const part{into.data(), into.size()};
    auto const n = ::preadv2(fd_.get(), &part, 1, static_cast<::off_t>(offset), RWF_NOWAIT);
    // 0 may be wrong on Linux 5.9 and 5.10 (preadv2(2), BUGS), and every error is for the engine to find again.
    if (n < 0) missed();
    if (n <= 0) return {};
    auto const bytes = static_cast<std::size_t>(n);
    bool const enough = bytes == into.size() || offset + bytes >= size_at_open_;
    if (enough) misses_in_row_.store(0, std::memory_order_relaxed);
    else missed();
    return {enough, bytes};
}

bool shared_file::worth_trying() noexcept {
    auto const left = skipping_.load(std::memory_order_relaxed);
    if (left == 0) return true;
    skipping_.store(left - 1, std::memory_order_relaxed);
    return false;
}

void shared_file::missed() noexcept {
    auto const misses = std::min(2 * misses_in_row_.load(std::memory_order_relaxed) + 1, skipped_max);
    misses_in_row_.store(misses, std::memory_order_relaxed);
    skipping_.store(misses, std::memory_order_relaxed);
}

}  // namespace submitit::detail
