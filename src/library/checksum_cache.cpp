// SPDX-License-Identifier: Apache-2.0
#include "library/checksum_cache.hpp"

namespace submitit {

checksum_cache::checksum_cache(std::size_t entries_max) : state_{std::make_shared<state>(entries_max)} {}

checksum_cache::~checksum_cache() = default;

std::size_t checksum_cache::size() const { return state_->size(); }

}  // namespace submitit
