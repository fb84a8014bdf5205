// SPDX-License-Identifier: Apache-2.0
#include "codec/isal_stream.hpp"

#include <sys/mman.h>

#include <array>
#include <new>

namespace submitit::codec {
namespace {

constexpr std::uintptr_t step = 1U << 16U;
constexpr int steps_max = 1 << 24;  // a place is found in 32,768 on average

/// CRC-32C, reflected, as the SSE 4.2 instruction computes it.
constexpr std::array<std::uint32_t, 256> make_table() {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t i = 0; i < 256; ++i) {
        std::uint32_t crc = i;
        for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? 0x82F63B78U : 0U);
        table[i] = crc;
    }
    return table;
}
constexpr auto table = make_table();

constexpr std::uint32_t hash_of(std::uint32_t data) noexcept {
    for (int byte = 0; byte < 4; ++byte) data = table[data & 0xFFU] ^ (data >> 8U);
    return data;
}

void* map(void* wanted, int flags) noexcept {
    return ::mmap(wanted, isal_stream::memory_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1,
                  0);
}

/// The nearest free place below where the system puts mappings.
void* find_place() noexcept {
    void* const usual = map(nullptr, 0);
    if (usual == MAP_FAILED) return nullptr;
    ::munmap(usual, isal_stream::memory_bytes);
    auto address = reinterpret_cast<std::uintptr_t>(usual) / step * step;
    for (int tried = 0; tried < steps_max && address > step; ++tried, address -= step) {
        if (!isal_stream::is_place(address)) continue;
        void* const place =
            reinterpret_cast<void*>(address);  // NOLINT(performance-no-int-to-ptr): addresses are the point
        void* const got = map(place, MAP_FIXED_NOREPLACE);
        if (got == place) return got;
        if (got != MAP_FAILED) ::munmap(got, isal_stream::memory_bytes);  // kernels before 4.17 take it for a hint
    }
    return nullptr;
}

}  // namespace

isal_stream::isal_stream() : at_{static_cast<isal_zstream*>(find_place())} {
    if (at_ == nullptr) throw std::bad_alloc{};
}

isal_stream::~isal_stream() { ::munmap(static_cast<void*>(at_), memory_bytes); }

bool isal_stream::is_place(std::uintptr_t address) noexcept {
    return (hash_of(static_cast<std::uint32_t>(address >> 16U)) & 0x7FFFU) == 0;
}

}  // namespace submitit::codec
