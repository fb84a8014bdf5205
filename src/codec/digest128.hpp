// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace submitit::codec {

/// XXH3, 128 bits: tells contents apart that nobody forges.
class digest128 {
public:
    digest128();
    ~digest128();

    void add(std::span<std::byte const> bytes) noexcept;
    template <class T>
    void add_value(T const& value) noexcept {
        static_assert(std::has_unique_object_representations_v<T>);
        add(std::as_bytes(std::span{&value, 1}));
    }
    /// 32 hexadecimal digits, of all that was added so far.
    [[nodiscard]] std::string hex() const;

private:
    struct state;
    std::unique_ptr<state> state_;
};

}  // namespace submitit::codec
