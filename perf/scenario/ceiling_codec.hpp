// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

namespace submitit::perf {

/// One encoder with its own context. One thread at a time.
class ceiling_codec {
public:
    ceiling_codec() = default;
    ceiling_codec(ceiling_codec const&) = delete;
    ceiling_codec& operator=(ceiling_codec const&) = delete;
    virtual ~ceiling_codec() = default;

    /// The most bytes that `in` input bytes can become.
    [[nodiscard]] virtual std::size_t bound(std::size_t in) const = 0;

    /// Compresses all of `in` and gives the bytes written; 0 means that the library refused. The checksum that the format
    /// asks for (CRC-32, or zstd's own) is part of the work.
    [[nodiscard]] virtual std::size_t encode(std::span<std::byte const> in, std::span<std::byte> out) = 0;

    /// The CRC-32s of all inputs combined, whatever their order: printed, so that no compiler may leave them out.
    [[nodiscard]] std::uint32_t checksums() const noexcept { return checksums_; }

protected:
    void add_checksum(std::uint32_t sum) noexcept { checksums_ ^= sum; }

private:
    std::uint32_t checksums_ = 0;
};

/// The codec called `name`: "none" (copy, as tar), "store" (copy and CRC-32), "isal-1" to "isal-3", "libdeflate-1" to
/// "libdeflate-12", "zstd-1" to "zstd-19". Null for any other name.
[[nodiscard]] std::unique_ptr<ceiling_codec> make_ceiling_codec(std::string_view name);

}  // namespace submitit::perf
