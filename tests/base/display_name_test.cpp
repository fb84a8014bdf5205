// SPDX-License-Identifier: Apache-2.0
#include "base/display_name.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <random>
#include <string>

TEST_SUITE_BEGIN("base/display_name");

namespace submitit {
namespace {

/// UTF-8 of any number, also of those that are no code points.
std::string encoded(std::uint32_t point) {
    auto const byte = [](std::uint32_t value) { return static_cast<char>(value); };
    if (point < 0x80) return {byte(point)};
    if (point < 0x800) return {byte(0xC0 | point >> 6U), byte(0x80 | (point & 0x3F))};
    if (point < 0x10000)
        return {byte(0xE0 | point >> 12U), byte(0x80 | (point >> 6U & 0x3F)), byte(0x80 | (point & 0x3F))};
    return {byte(0xF0 | point >> 18U), byte(0x80 | (point >> 12U & 0x3F)), byte(0x80 | (point >> 6U & 0x3F)),
            byte(0x80 | (point & 0x3F))};
}

}  // namespace

TEST_CASE("every code point but the surrogates is well-formed UTF-8, whole and no shorter") {
    std::uint32_t wrong = 0;
    for (std::uint32_t point = 0; point <= 0x110010; ++point) {
        bool const valid = point <= 0x10FFFF && !(point >= 0xD800 && point <= 0xDFFF);
        auto const text = encoded(point);
        if (is_utf8(text) != valid || utf8_sequence_length(text) != (valid ? text.size() : 0)) ++wrong;
        for (std::size_t cut = 1; cut < text.size(); ++cut)
            if (is_utf8(text.substr(0, cut))) ++wrong;
    }
    CHECK(wrong == 0);
}

TEST_CASE("of a sequence the code point is what was encoded") {
    for (std::uint32_t const point :
         {0U, 0x41U, 0x7FU, 0x80U, 0x7FFU, 0x800U, 0x202EU, 0xFEFFU, 0xFFFFU, 0x10000U, 0x10FFFFU})
        CHECK(utf8_code_point(encoded(point)) == point);
}

TEST_CASE(
    "control points are the controls, separators and format controls, to the edges of each range, and no others") {
    std::string found;
    bool before = false;
    for (char32_t point = 0; point <= 0x10FFFF; ++point) {
        bool const now = is_control_point(point);
        if (now != before) found += (now ? ' ' : '-') + std::to_string(now ? point : point - 1);
        before = now;
    }
    CHECK(found == " 0-31 127-159 1564-1564 8203-8207 8232-8238 8288-8297 65279-65279");
}

TEST_CASE("overlong forms, lone continuation bytes and impossible bytes are not UTF-8") {
    for (std::string const text :
         {"\xC0\xAF", "\xC1\xBF", "\xE0\x80\xAF", "\xE0\x9F\xBF", "\xF0\x80\x80\xAF", "\xF0\x8F\xBF\xBF", "\x80",
          "\xBF", "\xFE", "\xFF", "\xF5\x80\x80\x80", "\xC3\x28", "\xE2\x82", "caf\xE9"}) {
        CHECK_FALSE(is_utf8(text));
        CHECK(utf8_sequence_length(text.substr(text.size() > 3 && text[0] == 'c' ? 3 : 0)) == 0);
    }
    CHECK(is_utf8(""));
    CHECK(utf8_sequence_length("") == 0);
}

TEST_CASE("plain text in any script is shown as it is") {
    for (std::string const text :
         {"src/main.cpp", "caf\xC3\xA9", "\xE6\x97\xA5\xE6\x9C\xAC", "\xF0\x9F\x98\x80", "with space", "-rf", "a'b\"c",
          "\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x92\xBB", "\xD9\x85\xDB\x8C\xE2\x80\x8C\xD8\xAE"})  // with joiners
        CHECK(display_name(text) == text);
}

TEST_CASE("what could move a cursor, reverse a line or hide a byte is escaped byte by byte") {
    CHECK(display_name("\x1B[31mred") == "\\x1b[31mred");
    CHECK(display_name(std::string{"a\0b", 3}) == "a\\x00b");
    CHECK(display_name("line\nbreak\ttab\rreturn") == "line\\x0abreak\\x09tab\\x0dreturn");
    CHECK(display_name("del\x7F") == "del\\x7f");
    CHECK(display_name("c1\xC2\x9B") == "c1\\xc2\\x9b");                           // U+009B, CSI
    CHECK(display_name("rlo\xE2\x80\xAEgpj.exe") == "rlo\\xe2\\x80\\xaegpj.exe");  // U+202E
    CHECK(display_name("\xE2\x80\xA8") == "\\xe2\\x80\\xa8");                      // U+2028, line separator
    CHECK(display_name("\xE2\x81\xA6") == "\\xe2\\x81\\xa6");                      // U+2066
    CHECK(display_name("a\xE2\x80\x8B") == "a\\xe2\\x80\\x8b");                    // U+200B, no width
    CHECK(display_name("\xEF\xBB\xBF") == "\\xef\\xbb\\xbf");                      // U+FEFF
    CHECK(display_name("caf\xE9") == "caf\\xe9");
    CHECK(display_name("back\\x41slash") == "back\\\\x41slash");
}

TEST_CASE("whatever the bytes, the result is printable UTF-8 that gives them back") {
    auto const seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937 random{seed};
    for (int round = 0; round < 2000; ++round) {
        std::string name(random() % 24, '\0');
        for (auto& c : name) c = static_cast<char>(random() % 4 == 0 ? random() % 256 : 0x20 + random() % 0x60);
        auto const shown = display_name(name);
        REQUIRE(is_utf8(shown));
        std::string back;
        for (std::size_t i = 0; i < shown.size(); ++i) {
            REQUIRE(static_cast<unsigned char>(shown[i]) >= 0x20);
            if (shown[i] != '\\') {
                back += shown[i];
            } else if (shown.at(i + 1) == '\\') {
                back += shown[++i];
            } else {
                REQUIRE(shown.at(i + 1) == 'x');
                back += static_cast<char>(std::stoi(shown.substr(i + 2, 2), nullptr, 16));
                i += 3;
            }
        }
        REQUIRE(back == name);
    }
}

}  // namespace submitit

TEST_SUITE_END();
