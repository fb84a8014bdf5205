// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace submitit::archive::testing {

/// Bytes read field by field, written apart from the code under test.
class fields {
public:
    explicit fields(std::string bytes) : bytes_{std::move(bytes)} {}
    explicit fields(std::span<std::byte const> bytes)
        : bytes_{reinterpret_cast<char const*>(bytes.data()), bytes.size()} {}

    [[nodiscard]] std::size_t size() const noexcept { return bytes_.size(); }
    [[nodiscard]] std::string const& bytes() const noexcept { return bytes_; }
    [[nodiscard]] std::string text(std::size_t at, std::size_t length) const {
        REQUIRE(at + length <= bytes_.size());
        return bytes_.substr(at, length);
    }
    [[nodiscard]] std::uint64_t number(std::size_t at, std::size_t length) const {
        std::uint64_t value = 0;
        auto const field = text(at, length);
        for (std::size_t i = length; i-- > 0;) value = value << 8U | static_cast<unsigned char>(field[i]);
        return value;
    }
    [[nodiscard]] std::uint64_t u8(std::size_t at) const { return number(at, 1); }
    [[nodiscard]] std::uint64_t u16(std::size_t at) const { return number(at, 2); }
    [[nodiscard]] std::uint64_t u32(std::size_t at) const { return number(at, 4); }
    [[nodiscard]] std::uint64_t u64(std::size_t at) const { return number(at, 8); }
    [[nodiscard]] fields part(std::size_t at, std::size_t length) const { return fields{text(at, length)}; }

private:
    std::string bytes_;
};

struct zip_extra {
    std::uint64_t id = 0;
    fields data{std::string{}};
};

/// The extra fields in `bytes`, in order; they must fill it.
inline std::vector<zip_extra> zip_extras(fields const& bytes) {
    std::vector<zip_extra> all;
    std::size_t at = 0;
    while (at < bytes.size()) {
        auto const length = bytes.u16(at + 2);
        all.push_back({bytes.u16(at), bytes.part(at + 4, length)});
        at += 4 + length;
    }
    CHECK(at == bytes.size());
    return all;
}

}  // namespace submitit::archive::testing
