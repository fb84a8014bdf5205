// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
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

    struct cached {
        bool enough = false;    ///< nothing is missing, or the rest is behind the end
        std::size_t bytes = 0;  ///< copied from the start on
    };
    /// Copies what the page cache has, without waiting for a device.
    [[nodiscard]] cached try_cached(std::uint64_t offset, std::span<std::byte> into) noexcept;

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
