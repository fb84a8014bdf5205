// SPDX-License-Identifier: Apache-2.0
#include "memory/slab.hpp"

#include <sys/mman.h>

#include <new>

namespace submitit::memory {

slab::slab(std::size_t bytes) {
    void* const at = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) throw std::bad_alloc{};
    bytes_ = {static_cast<std::byte*>(at), bytes};
}

slab::~slab() {
    if (!bytes_.empty()) ::munmap(bytes_.data(), bytes_.size());
}

slab slab_pool::take() {
    {
        std::lock_guard const lock{mutex_};
        if (!free_.empty()) {
            auto reused = std::move(free_.back());
            free_.pop_back();
            return reused;
        }
    }
    return slab{slab_bytes_};
}

void slab_pool::give(slab used) {
    std::lock_guard const lock{mutex_};
    free_.push_back(std::move(used));
}

}  // namespace submitit::memory
