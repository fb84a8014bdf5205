// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/result.hpp"

namespace submitit::publish {

/// Where an archive goes. One thread at a time; every call may block on the device. After a failure only destruction is
/// allowed, which leaves nothing behind.
class sink {
public:
    sink() = default;
    sink(sink const&) = delete;
    sink& operator=(sink const&) = delete;
    virtual ~sink() = default;

    /// True when overwrite() and cut_back() work.
    [[nodiscard]] virtual bool seekable() const noexcept = 0;

    /// Appends all of `bytes`. Fails: write(2)'s errors unchanged (ENOSPC, EPIPE), errc::cancelled.
    [[nodiscard]] virtual result<> write(std::span<std::byte const> bytes) = 0;
    [[nodiscard]] virtual result<> overwrite(std::uint64_t offset, std::span<std::byte const> bytes) = 0;
    [[nodiscard]] virtual result<> cut_back(std::uint64_t size) = 0;

    /// Makes what was written the finished output. Nothing is visible under the target's name before.
    /// Fails: the system's errors unchanged; errc::name_not_synced when the output stands there complete, but its name may
    /// not survive a power loss.
    [[nodiscard]] virtual result<> commit() = 0;

    /// The path the output has after commit(); "-" for standard output.
    [[nodiscard]] virtual std::string const& path() const noexcept = 0;
};

}  // namespace submitit::publish
