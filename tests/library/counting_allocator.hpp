// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>

namespace submitit::testing {

/// Counts in an array of two: what is allocated and not freed, and all that ever was.
template <class T>
struct counting_allocator {
    using value_type = T;
    explicit counting_allocator(int* of) : count{of} {}
    template <class U>
    counting_allocator(counting_allocator<U> const& other)
        : count{other.count} {}  // NOLINT(google-explicit-constructor)
    T* allocate(std::size_t n) {
        ++std::atomic_ref{count[0]};
        ++std::atomic_ref{count[1]};
        return std::allocator<T>{}.allocate(n);
    }
    void deallocate(T* at, std::size_t n) {
        --std::atomic_ref{count[0]};
        std::allocator<T>{}.deallocate(at, n);
    }
    template <class U>
    bool operator==(counting_allocator<U> const& other) const {
        return count == other.count;
    }
    int* count;
};

}  // namespace submitit::testing
