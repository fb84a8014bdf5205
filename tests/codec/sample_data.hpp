// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "codec/deflate.hpp"

namespace submitit::codec::test {

using bytes = std::vector<std::byte>;

/// Inputs of the kinds people archive, made from a seed; none is read from the machine.
enum class kind { zeros, random, text, source, json, binary, runs, mixed };
inline constexpr kind all_kinds[] = {kind::zeros, kind::random, kind::text, kind::source,
                                     kind::json,  kind::binary, kind::runs, kind::mixed};
[[nodiscard]] char const* name_of(kind k);
[[nodiscard]] bytes make(kind k, std::size_t size, std::uint64_t seed);

/// zlib's raw inflate fed in small pieces. `ok`: the stream ended, exactly at the end of the input.
struct inflated {
    bool ok = false;
    bytes data;
};
[[nodiscard]] inflated inflate(std::span<std::byte const> stream);

/// zlib's raw deflate in one call.
[[nodiscard]] bytes zlib_deflate(std::span<std::byte const> in, int level, int strategy, int memory_level = 8);

/// An output buffer of exactly `size` bytes inside guard bytes.
class guarded {
public:
    explicit guarded(std::size_t size);
    [[nodiscard]] std::span<std::byte> span() { return {store_.data() + guard, size_}; }
    [[nodiscard]] bool intact() const;

private:
    static constexpr std::size_t guard = 64;
    std::size_t size_;
    bytes store_;
};

/// Every encoder a choice can name: libdeflate 1..12, ISA-L 0..3 when it is built in.
[[nodiscard]] std::vector<deflate_choice> all_choices();
[[nodiscard]] std::string name_of(deflate_choice choice);

}  // namespace submitit::codec::test
