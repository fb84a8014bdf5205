// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// One list of gitignore patterns: the lines of a .gitignore file, of info/exclude, or of the command line.
/// A plain value; not thread-safe while it changes.
namespace submitit::walk {

enum class verdict : std::uint8_t { undecided, excluded, included };

/// A pattern as the author wrote it, before it is compiled.
struct ignore_pattern {
    std::string_view text;  ///< without the leading '!'
    bool negated = false;
};

/// Splits a leading '!' off.
[[nodiscard]] ignore_pattern split_negation(std::string_view text) noexcept;

/// Calls `each(ignore_pattern)` for each pattern of a file: without a byte order mark at the start, comments, empty
/// lines, line ends (LF or CR LF) and trailing unescaped spaces. A NUL ends its line early, as in git.
/// Source: gitignore(5), PATTERN FORMAT; what it leaves open is what git 2.39 does.
template <class Each>
void for_each_pattern(std::string_view file, Each&& each);

/// Compiled patterns. The last one that matches decides.
class pattern_list {
public:
    pattern_list() = default;
    [[nodiscard]] static pattern_list of_file(std::string_view file);

    /// Appends one pattern: an ending '/' makes it match directories only, any other '/' anchors it.
    void add(ignore_pattern pattern);

    /// `path` is relative to the directory the list belongs to and ends in the name, which starts at `name_at`.
    [[nodiscard]] verdict match(std::string_view path, std::size_t name_at, bool is_directory) const noexcept;

    [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
    [[nodiscard]] std::size_t memory_bytes() const noexcept;

private:
    // Cheapest comparison first, chosen once: most patterns of real projects never reach the glob matcher.
    enum class shape : std::uint8_t { name_literal, name_suffix, name_glob, path_literal, path_glob };

    struct entry {
        std::uint32_t text_at = 0;  ///< in texts_
        std::uint32_t text_bytes = 0;
        std::uint32_t prefix_bytes = 0;  ///< bytes before the first special one; path_glob only
        shape compare = shape::name_literal;
        bool negated = false;
        bool directories_only = false;
    };

    [[nodiscard]] bool matches(entry const& candidate, std::string_view path, std::string_view name) const noexcept;

    std::string texts_;
    std::vector<entry> entries_;
};

/// The pattern text in one line, which comes without its LF; empty when there is none.
[[nodiscard]] std::string_view pattern_of_line(std::string_view line) noexcept;

template <class Each>
void for_each_pattern(std::string_view file, Each&& each) {
    if (file.starts_with("\xEF\xBB\xBF")) file.remove_prefix(3);
    while (!file.empty()) {
        std::string_view const line = file.substr(0, file.find('\n'));
        file.remove_prefix(line.size() < file.size() ? line.size() + 1 : line.size());
        if (std::string_view const text = pattern_of_line(line); !text.empty()) each(split_negation(text));
    }
}

}  // namespace submitit::walk
