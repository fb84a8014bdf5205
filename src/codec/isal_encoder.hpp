// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace submitit::codec {

/// ISA-L's one-shot raw deflate behind plain C++. Two files define it, and the build takes one: isal_encoder.cpp over
/// the library, isal_encoder_none.cpp when it is not there.
class isal_encoder {
public:
    [[nodiscard]] static bool available() noexcept;
    [[nodiscard]] static std::uint64_t context_bytes(int engine_level) noexcept;

    /// `engine_level` 0..3. Throws std::bad_alloc.
    explicit isal_encoder(int engine_level);
    ~isal_encoder();

    /// A whole stream (`final`), or one without a final block that ends on a byte border. Returns the bytes written;
    /// 0 when they would not fit. The library may answer with stored blocks when `out` has room for them.
    [[nodiscard]] std::size_t compress(std::span<std::byte const> in, std::span<std::byte> out, bool final) noexcept;

private:
    struct state;
    std::unique_ptr<state> state_;
};

}  // namespace submitit::codec
