// SPDX-License-Identifier: Apache-2.0
#include "base/sizes.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <string>

TEST_SUITE_BEGIN("base/sizes");

namespace submitit {
namespace {

std::uint64_t size_of(std::string_view text) {
    auto const parsed = parse_size(text);
    CAPTURE(std::string{text});
    REQUIRE(parsed.has_value());
    return *parsed;
}

error_code refusal_of(std::string_view text) {
    auto const parsed = parse_size(text);
    CAPTURE(std::string{text});
    REQUIRE(parsed.has_error());
    return parsed.error();
}

}  // namespace

TEST_CASE("a size is a number with an optional power of 1024 in any of its spellings") {
    CHECK(size_of("0") == 0);
    CHECK(size_of("4096") == 4096);
    CHECK(size_of("17B") == 17);
    for (auto const* const text : {"64M", "64m", "64MB", "64Mb", "64MiB", "64Mib", "64Mi"})
        CHECK(size_of(text) == 64 * MiB);
    CHECK(size_of("512k") == 512 * KiB);
    CHECK(size_of("3G") == 3 * GiB);
    CHECK(size_of("2T") == 2048 * GiB);
}

TEST_CASE("what is no size is refused") {
    for (auto const* const text :
         {"", " ", "M", "-1", "+1", "1 M", " 1M", "1M ", "1.5G", "0x10", "1MM", "1iB", "1Q", "1BM", "1\n"})
        CHECK(refusal_of(text) == from_errno(EINVAL));
}

TEST_CASE("sizes end at 2^63-1, one more is out of range") {
    CHECK(size_of("9223372036854775807") == static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()));
    CHECK(refusal_of("9223372036854775808") == from_errno(ERANGE));
    CHECK(refusal_of("18446744073709551616") == from_errno(ERANGE));
    CHECK(size_of("8388607T") == 8388607ULL << 40U);
    CHECK(refusal_of("8388608T") == from_errno(ERANGE));
    CHECK(refusal_of("99999999999999999999999") == from_errno(ERANGE));
}

TEST_CASE("sizes for people have three significant digits") {
    CHECK(format_size(0) == "0 B");
    CHECK(format_size(1023) == "1023 B");
    CHECK(format_size(1024) == "1.00 KiB");
    CHECK(format_size(10 * KiB - 1) == "10.0 KiB");
    CHECK(format_size(1536) == "1.50 KiB");
    CHECK(format_size(64 * MiB) == "64.0 MiB");
    CHECK(format_size(100 * MiB) == "100 MiB");
    CHECK(format_size(999 * MiB) == "999 MiB");
    CHECK(format_size(1000 * MiB) == "1000 MiB");
    CHECK(format_size(std::numeric_limits<std::uint64_t>::max()) == "16.0 EiB");
}

TEST_CASE("at the edges of every unit a size is rounded to the nearest, into the next unit where it is that near") {
    std::uint64_t one = KiB;
    for (std::string const unit : {" KiB", " MiB", " GiB", " TiB", " PiB", " EiB"}) {
        CAPTURE(unit);
        auto const part = one / KiB;
        CHECK(format_size(one) == "1.00" + unit);
        CHECK(format_size(one + part * 1014) == "1.99" + unit);
        CHECK(format_size(one * 9 + part * 1018) == "9.99" + unit);
        CHECK(format_size(one * 9 + part * 1019) == "10.0" + unit);
        if (one > std::numeric_limits<std::uint64_t>::max() / KiB) break;
        CHECK(format_size(one * 99 + part * 972) == "99.9" + unit);
        CHECK(format_size(one * 99 + part * 973) == "100" + unit);
        CHECK(format_size(one * 999 + part * 513) == "1000" + unit);
        CHECK(format_size(one * 1000) == "1000" + unit);
        CHECK(format_size(one * 1023 + part * 511) == "1023" + unit);
        std::string const next = unit == " KiB"   ? "1.00 MiB"
                                 : unit == " MiB" ? "1.00 GiB"
                                 : unit == " GiB" ? "1.00 TiB"
                                 : unit == " TiB" ? "1.00 PiB"
                                                  : "1.00 EiB";
        CHECK(format_size(one * 1023 + part * 512) == next);
        CHECK(format_size(one * 1024 - 1) == next);
        one *= KiB;
    }
}

TEST_CASE("counts are grouped by thousands") {
    CHECK(format_count(0) == "0");
    CHECK(format_count(999) == "999");
    CHECK(format_count(1000) == "1,000");
    CHECK(format_count(78'579) == "78,579");
    CHECK(format_count(10'000'000) == "10,000,000");
    CHECK(format_count(std::numeric_limits<std::uint64_t>::max()) == "18,446,744,073,709,551,615");
}

}  // namespace submitit

TEST_SUITE_END();
