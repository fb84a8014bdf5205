// SPDX-License-Identifier: Apache-2.0
#include "memory/slab.hpp"

#include <sys/mman.h>

#include <algorithm>
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

slab slab_store::take(std::size_t bytes) {
    {
        std::lock_guard const lock{mutex_};
        auto const at = std::find_if(idle_.rbegin(), idle_.rend(),
                                     [bytes](slab const& one) { return one.bytes().size() == bytes; });
        if (at != idle_.rend()) {
            auto reused = std::move(*at);
            idle_.erase(std::next(at).base());
            idle_bytes_ -= bytes;
            return reused;
        }
    }
    return slab{bytes};
}

void slab_store::give(slab used) {
    std::lock_guard const lock{mutex_};
    auto const bytes = used.bytes().size();
    idle_.push_back(std::move(used));  // may throw, so the count comes after it
    idle_bytes_ += bytes;
}

void slab_store::trim(std::uint64_t idle_bytes) {
    std::deque<slab> unmapped;  // after the lock
    std::lock_guard const lock{mutex_};
    while (idle_bytes_ > idle_bytes) {
        idle_bytes_ -= idle_.front().bytes().size();
        unmapped.push_back(std::move(idle_.front()));
        idle_.pop_front();
    }
}

}  // namespace submitit::memory
