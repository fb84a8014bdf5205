// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <utility>

#include "io/backend.hpp"

namespace submitit::io {

/// First in, first out, linked through read_op::next: never allocates. Owns nothing; not thread-safe.
class op_queue {
public:
    [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }

    void push_back(read_op& op) noexcept {
        op.next = nullptr;
        (first_ == nullptr ? first_ : last_->next) = &op;
        last_ = &op;
    }

    void push_front(read_op& op) noexcept {
        op.next = first_;
        if (first_ == nullptr) last_ = &op;
        first_ = &op;
    }

    /// Takes a list linked by `next`; returns how many there were.
    std::uint32_t append(read_op* list) noexcept {
        std::uint32_t count = 0;
        while (list != nullptr) {
            auto* const next = list->next;
            push_back(*list);
            list = next;
            ++count;
        }
        return count;
    }

    /// Null when empty. The op's own link is cleared, so that `done` may use it.
    [[nodiscard]] read_op* pop() noexcept {
        auto* const op = first_;
        if (op == nullptr) return nullptr;
        first_ = op->next;
        op->next = nullptr;
        return op;
    }

    /// Everything, as a list; empty afterwards.
    [[nodiscard]] read_op* take_all() noexcept { return std::exchange(first_, nullptr); }

private:
    read_op* first_ = nullptr;
    read_op* last_ = nullptr;
};

}  // namespace submitit::io
