// SPDX-License-Identifier: Apache-2.0
#include "codec/isal_encoder.hpp"

#include <array>
#include <limits>

#include "base/check.hpp"
#include "codec/isal_stream.hpp"

namespace submitit::codec {
namespace {

constexpr std::array<std::size_t, 4> level_buffer_bytes{ISAL_DEF_LVL0_DEFAULT, ISAL_DEF_LVL1_DEFAULT,
                                                        ISAL_DEF_LVL2_DEFAULT, ISAL_DEF_LVL3_DEFAULT};

std::size_t buffer_bytes(int engine_level) {
    SUBMITIT_CHECK(engine_level >= 0 && engine_level <= 3);
    return level_buffer_bytes[static_cast<std::size_t>(engine_level)];
}

std::uint8_t* bytes_of(std::byte const* p) {
    return const_cast<std::uint8_t*>(reinterpret_cast<std::uint8_t const*>(p));  // the library's type lacks the const
}

}  // namespace

struct isal_encoder::state {
    isal_stream stream;
    std::unique_ptr<std::uint8_t[]> level_buffer;
    std::size_t level_buffer_bytes = 0;
    std::uint32_t level = 0;
};

bool isal_encoder::available() noexcept { return true; }

std::uint64_t isal_encoder::context_bytes(int engine_level) noexcept {
    return sizeof(state) + isal_stream::memory_bytes + buffer_bytes(engine_level) +
           256;  // what malloc adds to two blocks
}

isal_encoder::isal_encoder(int engine_level) : state_(new state) {
    state_->level = static_cast<std::uint32_t>(engine_level);
    state_->level_buffer_bytes = buffer_bytes(engine_level);
    state_->level_buffer = std::make_unique<std::uint8_t[]>(state_->level_buffer_bytes);
}

isal_encoder::~isal_encoder() = default;

std::size_t isal_encoder::compress(std::span<std::byte const> in, std::span<std::byte> out, bool final) noexcept {
    constexpr std::size_t most = std::numeric_limits<std::uint32_t>::max();
    if (in.size() > most || out.empty()) return 0;
    isal_zstream& s = state_->stream.get();
    isal_deflate_stateless_init(&s);
    s.level = state_->level;
    s.level_buf = state_->level_buffer.get();
    s.level_buf_size = static_cast<std::uint32_t>(state_->level_buffer_bytes);
    s.end_of_stream = final ? 1 : 0;
    s.flush = final ? NO_FLUSH : FULL_FLUSH;
    s.next_in = bytes_of(in.data());
    s.avail_in = static_cast<std::uint32_t>(in.size());
    s.next_out = bytes_of(out.data());
    s.avail_out = static_cast<std::uint32_t>(out.size() < most ? out.size() : most);
    if (isal_deflate_stateless(&s) != COMP_OK || s.avail_in != 0) return 0;
    return s.total_out;
}

}  // namespace submitit::codec
