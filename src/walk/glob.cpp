// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>

#include "walk/selection.hpp"

namespace submitit::walk {
namespace {

constexpr std::size_t none = std::string_view::npos;

constexpr bool in_range(unsigned char c, char first, char last) noexcept {
    return c >= static_cast<unsigned char>(first) && c <= static_cast<unsigned char>(last);
}

constexpr bool is_upper(unsigned char c) noexcept { return in_range(c, 'A', 'Z'); }
constexpr bool is_lower(unsigned char c) noexcept { return in_range(c, 'a', 'z'); }
constexpr bool is_alpha(unsigned char c) noexcept { return is_upper(c) || is_lower(c); }
constexpr bool is_digit(unsigned char c) noexcept { return in_range(c, '0', '9'); }
constexpr bool is_alnum(unsigned char c) noexcept { return is_alpha(c) || is_digit(c); }
constexpr bool is_blank(unsigned char c) noexcept { return c == ' ' || c == '\t'; }
constexpr bool is_cntrl(unsigned char c) noexcept { return c < 0x20 || c == 0x7F; }
constexpr bool is_print(unsigned char c) noexcept { return c >= 0x20 && c < 0x7F; }
constexpr bool is_graph(unsigned char c) noexcept { return c > 0x20 && c < 0x7F; }
constexpr bool is_punct(unsigned char c) noexcept { return is_graph(c) && !is_alnum(c); }
// git's table knows no vertical tab and no form feed as space.
constexpr bool is_space(unsigned char c) noexcept { return is_blank(c) || c == '\n' || c == '\r'; }
constexpr bool is_xdigit(unsigned char c) noexcept {
    return is_digit(c) || in_range(c, 'a', 'f') || in_range(c, 'A', 'F');
}

struct named_class {
    std::string_view name;
    bool (*holds)(unsigned char) noexcept;
};

// ASCII only and independent of the locale, as in git.
constexpr named_class named_classes[] = {
    {"alnum", is_alnum}, {"alpha", is_alpha}, {"blank", is_blank}, {"cntrl", is_cntrl},
    {"digit", is_digit}, {"graph", is_graph}, {"lower", is_lower}, {"print", is_print},
    {"punct", is_punct}, {"space", is_space}, {"upper", is_upper}, {"xdigit", is_xdigit},
};

/// Reads one bracket expression and tells whether it holds `wanted`. A malformed one (no closing bracket, unknown
/// class) matches nothing, so the whole pattern matches nothing.
class bracket_reader {
public:
    /// `at` is the index after the opening bracket.
    bracket_reader(std::string_view pattern, std::size_t at, char wanted) noexcept
        : pattern_{pattern}, at_{at}, wanted_{static_cast<unsigned char>(wanted)} {}

    [[nodiscard]] bool matches() noexcept {
        bool const negated = !at_end() && (pattern_[at_] == '!' || pattern_[at_] == '^');
        if (negated) ++at_;
        bool first = true;
        for (; !at_end() && (first || pattern_[at_] != ']'); first = false) {
            if (!read_member()) return false;
        }
        if (at_end()) return false;
        ++at_;
        return found_ != negated;
    }

    /// The index after the closing bracket, once matches() answered true.
    [[nodiscard]] std::size_t next() const noexcept { return at_; }

private:
    [[nodiscard]] bool at_end() const noexcept { return at_ >= pattern_.size(); }
    [[nodiscard]] char peek(std::size_t ahead) const noexcept {
        return at_ + ahead < pattern_.size() ? pattern_[at_ + ahead] : '\0';
    }

    // One character, range or class; false when malformed.
    bool read_member() noexcept {
        if (pattern_[at_] == '-' && range_start_ >= 0 && peek(1) != '\0' && peek(1) != ']') return read_range_end();
        if (pattern_[at_] == '[' && peek(1) == ':') {
            std::size_t const close = pattern_.find(']', at_ + 2);
            if (close == none) return false;
            if (close > at_ + 2 && pattern_[close - 1] == ':') return read_class(close);
        }
        unsigned char c = 0;
        if (!read_character(c)) return false;
        found_ |= c == wanted_;
        range_start_ = c;
        return true;
    }

    bool read_range_end() noexcept {
        ++at_;
        unsigned char last = 0;
        if (!read_character(last)) return false;
        found_ |= wanted_ >= range_start_ && wanted_ <= last;
        range_start_ = -1;
        return true;
    }

    bool read_class(std::size_t close) noexcept {
        std::string_view const name = pattern_.substr(at_ + 2, close - 1 - (at_ + 2));
        at_ = close + 1;
        range_start_ = -1;
        for (named_class const& entry : named_classes) {
            if (entry.name != name) continue;
            found_ |= entry.holds(wanted_);
            return true;
        }
        return false;
    }

    bool read_character(unsigned char& c) noexcept {
        if (pattern_[at_] == '\\' && ++at_ == pattern_.size()) return false;
        c = static_cast<unsigned char>(pattern_[at_++]);
        return true;
    }

    std::string_view pattern_;
    std::size_t at_;
    unsigned char wanted_;
    int range_start_ = -1;  ///< the character a '-' would start a range from; -1 after a range or class
    bool found_ = false;
};

/// Two places to come back to are enough, which keeps the cost polynomial: the last star of the current path
/// component, and the last double star. A component matches whole or not at all, so stars of earlier components have
/// nothing new to offer; and what follows a double star up to the next one spans a fixed number of components, so
/// its earliest match leaves most to the rest.
class glob_matcher {
public:
    glob_matcher(std::string_view pattern, std::string_view path) noexcept : pattern_{pattern}, path_{path} {}

    [[nodiscard]] bool run() noexcept {
        for (;;) {
            if (p_ == pattern_.size() && t_ == path_.size()) return true;
            if (p_ < pattern_.size() && pattern_[p_] == '*') {
                if (take_stars()) return true;
                if (p_ != none) continue;
            } else if (p_ < pattern_.size() && t_ < path_.size() && step()) {
                continue;
            }
            if (!retry_star() && !retry_double_star()) return false;
        }
    }

private:
    // Consumes a run of stars; true when the rest of the path matches whatever it is.
    bool take_stars() noexcept {
        std::size_t const begin = p_;
        std::size_t const end = std::min(pattern_.find_first_not_of('*', begin), pattern_.size());
        bool const escaped_slash = pattern_.substr(end, 2) == "\\/";
        bool const crosses_slashes = end - begin >= 2 && (begin == 0 || pattern_[begin - 1] == '/') &&
                                     (end == pattern_.size() || pattern_[end] == '/' || escaped_slash);
        if (!crosses_slashes) {
            star_p_ = p_ = end;
            star_t_ = t_;
            return false;
        }
        if (end == pattern_.size()) return true;
        star_p_ = none;
        deep_p_ = end + (escaped_slash ? 2 : 1);
        deep_t_ = t_;
        // "**/" also matches nothing at all; git does not grant that to an escaped slash.
        p_ = escaped_slash ? none : deep_p_;
        return false;
    }

    // Matches one element of the pattern, not a star, with one byte of the path.
    bool step() noexcept {
        char const c = path_[t_];
        std::size_t next = p_ + 1;
        switch (pattern_[p_]) {
            case '?':
                if (c == '/') return false;
                break;
            case '[': {
                bracket_reader bracket{pattern_, next, c};
                if (c == '/' || !bracket.matches()) return false;
                next = bracket.next();
                break;
            }
            case '\\':
                if (next == pattern_.size() || pattern_[next++] != c) return false;
                break;
            default:
                if (pattern_[p_] != c) return false;
        }
        if (c == '/') star_p_ = none;
        p_ = next;
        ++t_;
        return true;
    }

    bool retry_star() noexcept {
        if (star_p_ == none || star_t_ == path_.size() || path_[star_t_] == '/') return false;
        p_ = star_p_;
        t_ = ++star_t_;
        return true;
    }

    bool retry_double_star() noexcept {
        if (deep_p_ == none) return false;
        std::size_t const slash = path_.find('/', deep_t_);
        if (slash == none) return false;
        star_p_ = none;
        p_ = deep_p_;
        t_ = deep_t_ = slash + 1;
        return true;
    }

    std::string_view pattern_;
    std::string_view path_;
    std::size_t p_ = 0;
    std::size_t t_ = 0;
    std::size_t star_p_ = none;  ///< pattern after the last star of this component
    std::size_t star_t_ = 0;     ///< the path from there on
    std::size_t deep_p_ = none;  ///< pattern after the last double star and its slash
    std::size_t deep_t_ = 0;
};

}  // namespace

bool glob_match(std::string_view pattern, std::string_view path) noexcept { return glob_matcher{pattern, path}.run(); }

}  // namespace submitit::walk
