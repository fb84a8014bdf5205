// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/unique_fd.hpp"

namespace submitit::archive::reader {

/// Compares a file with bytes that stream by. After the first difference it reads no more.
class file_compare {
public:
    explicit file_compare(std::function<bool()> cancelled) : cancelled_{std::move(cancelled)}, buffer_(buffer_bytes) {}

    void start(unique_fd file);
    void stop() { file_.reset(); }
    [[nodiscard]] bool active() const noexcept { return static_cast<bool>(file_); }

    /// What differs, in words; empty while nothing does. Needs active(); a difference ends it.
    [[nodiscard]] std::string data(std::span<std::byte const> bytes);
    [[nodiscard]] std::string hole(std::uint64_t bytes);
    /// The stream is complete: the file must be, too.
    [[nodiscard]] std::string end();

private:
    static constexpr std::size_t buffer_bytes = std::size_t{128} * 1024;

    std::string differs(std::string why);
    [[nodiscard]] std::string piece(std::span<std::byte const> expected, std::size_t bytes);
    [[nodiscard]] bool only_hole_ahead(std::uint64_t bytes) const;

    std::function<bool()> cancelled_;
    unique_fd file_;
    std::uint64_t position_ = 0;
    std::vector<std::byte> buffer_;
};

}  // namespace submitit::archive::reader
