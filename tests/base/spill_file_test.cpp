// SPDX-License-Identifier: Apache-2.0
#include "base/spill_file.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "base/endian.hpp"
#include "walk/scratch_tree.hpp"

TEST_SUITE_BEGIN("base/spill_file");

namespace submitit {
namespace {

std::span<std::byte const> bytes_of(std::string_view text) {
    return std::as_bytes(std::span{text.data(), text.size()});
}

std::string read_back(spill_file const& file, std::uint64_t offset, std::size_t bytes) {
    std::string text(bytes, '?');
    REQUIRE(file.read(offset, std::as_writable_bytes(std::span{text})));
    return text;
}

/// $TMPDIR for the life of this object.
class temporary_directory_is {
public:
    explicit temporary_directory_is(std::string const& path) {
        if (char const* const old = std::getenv("TMPDIR"); old != nullptr) before_ = old;
        had_one_ = std::getenv("TMPDIR") != nullptr;
        ::setenv("TMPDIR", path.c_str(), 1);
    }
    ~temporary_directory_is() {
        if (had_one_) {
            ::setenv("TMPDIR", before_.c_str(), 1);
        } else {
            ::unsetenv("TMPDIR");
        }
    }
    temporary_directory_is(temporary_directory_is const&) = delete;
    temporary_directory_is& operator=(temporary_directory_is const&) = delete;

private:
    std::string before_;
    bool had_one_ = false;
};

}  // namespace

TEST_CASE("what was appended is read back from where append said") {
    spill_file file;
    CHECK(file.size() == 0);
    CHECK(file.append(bytes_of("first ")).value() == 0);
    CHECK(file.append(bytes_of("second")).value() == 6);
    CHECK(file.append({}).value() == 12);
    CHECK(file.size() == 12);
    CHECK(read_back(file, 0, 12) == "first second");
    CHECK(read_back(file, 6, 3) == "sec");
}

TEST_CASE("write_at changes bytes in place, and extends the file past its end") {
    spill_file file;
    REQUIRE(file.append(bytes_of("0123456789")));
    REQUIRE(file.write_at(2, bytes_of("ab")));
    CHECK(file.size() == 10);
    REQUIRE(file.write_at(8, bytes_of("wxyz")));
    CHECK(file.size() == 12);
    CHECK(read_back(file, 0, 12) == "01ab4567wxyz");
    CHECK(file.append(bytes_of("!")).value() == 12);
}

TEST_CASE("reading past the end is an error, not fewer bytes") {
    spill_file file;
    REQUIRE(file.append(bytes_of("abc")));
    std::string text(4, '?');
    CHECK(file.read(0, std::as_writable_bytes(std::span{text})).error() == from_errno(EIO));
    CHECK(file.read(3, std::as_writable_bytes(std::span{text}.first(1))).error() == from_errno(EIO));
}

TEST_CASE("it lies in $TMPDIR without ever having a name there") {
    walk::scratch_tree tree;
    temporary_directory_is const here{tree.path("")};
    spill_file file;
    REQUIRE(file.append(bytes_of("secret")));
    CHECK(std::filesystem::is_empty(tree.path("")));
    CHECK(read_back(file, 0, 6) == "secret");
}

TEST_CASE("without a usable $TMPDIR the first append says so") {
    walk::scratch_tree tree;
    temporary_directory_is const nowhere{tree.path("missing")};
    spill_file file;
    CHECK(file.append(bytes_of("x")).error() == from_errno(ENOENT));
}

TEST_CASE("little-endian stores and loads agree with the bytes at any alignment") {
    std::vector<std::byte> raw(16);
    store_le(raw.data() + 1, std::uint16_t{0x0102});
    store_le(raw.data() + 3, std::uint32_t{0x03040506});
    store_le(raw.data() + 7, std::uint64_t{0x0708090A0B0C0D0E});
    std::vector<int> values;
    for (auto const byte : raw) values.push_back(std::to_integer<int>(byte));
    CHECK(values == std::vector<int>{0, 2, 1, 6, 5, 4, 3, 0xE, 0xD, 0xC, 0xB, 0xA, 9, 8, 7, 0});
    CHECK(load_le<std::uint16_t>(raw.data() + 1) == 0x0102);
    CHECK(load_le<std::uint32_t>(raw.data() + 3) == 0x03040506);
    CHECK(load_le<std::uint64_t>(raw.data() + 7) == 0x0708090A0B0C0D0E);
    store_le(raw.data(), std::uint64_t{0xFFFFFFFFFFFFFFFF});
    CHECK(load_le<std::uint64_t>(raw.data()) == 0xFFFFFFFFFFFFFFFF);
}

}  // namespace submitit

TEST_SUITE_END();
