// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "archive/read/verify.hpp"

namespace submitit::archive::reader {

/// Of a part that was read: a damaged one has been reported already. (Not bool: result<bool> and error codes mix badly.)
enum class verdict { sound, damaged };

/// One run of verify(): its options, the report it fills, and the limits every reader asks for. Lives on the stack of
/// verify(); readers hold a reference. One thread.
class session {
public:
    session(verify_options const& options, verify_report& report) : options_{options}, report_{report} {}

    /// Counts a finding; the first 100 are kept. Answers verdict::damaged, for `return run.problem(...)`.
    verdict problem(std::string_view path, std::string message);

    /// Keeps a remark that is no fault; the first 20 different ones.
    void note(std::string message);

    [[nodiscard]] bool cancelled() const { return options_.cancelled && options_.cancelled(); }

    /// Counts bytes read from the archive and tells whoever watches.
    void advance(std::uint64_t bytes);

    /// The largest window or dictionary a decoder may take. Never below 8 MiB, what RFC 8878 3.1.1.1.2 asks every
    /// decoder to support; never above 128 MiB, where the zstd program stops too.
    [[nodiscard]] std::uint64_t window_bytes_max() const noexcept;

    [[nodiscard]] std::string too_large(std::string_view what, std::uint64_t bytes) const;

    [[nodiscard]] verify_options const& options() const noexcept { return options_; }
    [[nodiscard]] verify_report& report() noexcept { return report_; }

private:
    verify_options const& options_;
    verify_report& report_;
    std::uint64_t read_bytes_ = 0;
};

/// Eight hexadecimal digits, for checksums.
[[nodiscard]] std::string hex32(std::uint32_t value);

/// "1 byte", "2 bytes".
[[nodiscard]] std::string count_bytes(std::uint64_t bytes);

}  // namespace submitit::archive::reader
