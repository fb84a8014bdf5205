// SPDX-License-Identifier: Apache-2.0
#include "codec/digest128.hpp"

#include <xxhash.h>

#include <array>
#include <cstdio>

namespace submitit::codec {

struct digest128::state {
    XXH3_state_t* raw = XXH3_createState();
    state() {
        if (raw == nullptr) throw std::bad_alloc{};
        XXH3_128bits_reset(raw);
    }
    ~state() { XXH3_freeState(raw); }
    state(state const&) = delete;
    state& operator=(state const&) = delete;
};

digest128::digest128() : state_{std::make_unique<state>()} {}
digest128::~digest128() = default;

void digest128::add(std::span<std::byte const> bytes) noexcept {
    if (!bytes.empty()) XXH3_128bits_update(state_->raw, bytes.data(), bytes.size());
}

std::string digest128::hex() const {
    auto const value = XXH3_128bits_digest(state_->raw);
    std::array<char, 33> text{};
    std::snprintf(text.data(), text.size(), "%016llx%016llx", static_cast<unsigned long long>(value.high64),
                  static_cast<unsigned long long>(value.low64));
    return text.data();
}

}  // namespace submitit::codec
