// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "base/unique_fd.hpp"
#include "library/engine_core.hpp"

namespace submitit::detail {

/// An open file, held by its reader and by each operation in flight. Thread-safe.
class shared_file {
public:
    shared_file(unique_fd fd, std::uint64_t size, bool cached_reads, std::shared_ptr<engine_core> engine) noexcept
        : fd_{std::move(fd)}, size_at_open_{size}, engine_{std::move(engine)}, cached_reads_{cached_reads} {}

    [[nodiscard]] int fd() const noexcept { return fd_.get(); }
    [[nodiscard]] engine_core& engine() const noexcept { return *engine_; }

    /// Copies what the page cache has, without waiting for a device: how many bytes, or nothing when the rest is the engine's
    /// business. `got` is then what it need not read again.
    [[nodiscard]] std::optional<std::size_t> try_cached(std::uint64_t offset, std::span<std::byte> into,
                                                        std::uint64_t& got) noexcept;

private:
    [[nodiscard]] bool worth_trying() noexcept;
    void missed() noexcept;

    unique_fd const fd_;
    std::uint64_t const size_at_open_;  // a hint: the file may grow
    std::shared_ptr<engine_core> const engine_;
    bool const cached_reads_;
    // Hints too; several threads may count past each other.
    std::atomic<std::uint32_t> misses_in_row_{0};
    std::atomic<std::uint32_t> skipping_{0};
};

}  // namespace submitit::detail
