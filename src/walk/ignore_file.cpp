// SPDX-License-Identifier: Apache-2.0
#include "walk/ignore_file.hpp"

#include <algorithm>

#include "walk/selection.hpp"

namespace submitit::walk {
namespace {

constexpr std::string_view special_bytes = "*?[\\";

std::size_t literal_length(std::string_view text) noexcept {
    return std::min(text.find_first_of(special_bytes), text.size());
}

// Spaces only, not tabs; and a backslash that ends the line keeps everything, as in git.
std::string_view without_trailing_spaces(std::string_view line) noexcept {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < line.size(); ++i) {
        bool const escaped = line[i] == '\\';
        if (escaped && ++i == line.size()) return line;
        if (escaped || line[i] != ' ') kept = i + 1;
    }
    return line.substr(0, kept);
}

}  // namespace

std::string_view pattern_of_line(std::string_view line) noexcept {
    if (line.starts_with('#')) return {};
    if (line.ends_with('\r')) line.remove_suffix(1);
    line = line.substr(0, line.find('\0'));
    return without_trailing_spaces(line);
}

ignore_pattern split_negation(std::string_view text) noexcept {
    if (text.starts_with('!')) return {text.substr(1), true};
    return {text, false};
}

pattern_list pattern_list::of_file(std::string_view file) {
    pattern_list list;
    std::size_t count = 0;
    std::size_t bytes = 0;
    for_each_pattern(file, [&](ignore_pattern pattern) {
        ++count;
        bytes += pattern.text.size();
    });
    list.entries_.reserve(count);
    list.texts_.reserve(bytes);
    for_each_pattern(file, [&](ignore_pattern pattern) { list.add(pattern); });
    return list;
}

void pattern_list::add(ignore_pattern pattern) {
    std::string_view text = pattern.text;
    entry added;
    added.negated = pattern.negated;
    added.directories_only = text.ends_with('/');
    if (added.directories_only) text.remove_suffix(1);
    bool const anchored = text.find('/') != std::string_view::npos;
    if (text.starts_with('/')) text.remove_prefix(1);
    if (text.empty()) return;  // "", "!", "/" and "//" match nothing

    std::size_t const prefix = literal_length(text);
    if (prefix == text.size()) {
        added.compare = anchored ? shape::path_literal : shape::name_literal;
    } else if (anchored) {
        added.compare = shape::path_glob;
    } else if (text[0] == '*' && literal_length(text.substr(1)) == text.size() - 1) {
        text.remove_prefix(1);
        added.compare = shape::name_suffix;
    } else {
        added.compare = shape::name_glob;
    }
    added.prefix_bytes = static_cast<std::uint32_t>(prefix);
    added.text_at = static_cast<std::uint32_t>(texts_.size());
    added.text_bytes = static_cast<std::uint32_t>(text.size());
    texts_ += text;
    entries_.push_back(added);
}

verdict pattern_list::match(std::string_view path, std::size_t name_at, bool is_directory) const noexcept {
    std::string_view const name = path.substr(name_at);
    for (std::size_t i = entries_.size(); i-- > 0;) {
        entry const& candidate = entries_[i];
        if (candidate.directories_only && !is_directory) continue;
        if (matches(candidate, path, name)) return candidate.negated ? verdict::included : verdict::excluded;
    }
    return verdict::undecided;
}

bool pattern_list::matches(entry const& candidate, std::string_view path, std::string_view name) const noexcept {
    std::string_view const text = std::string_view{texts_}.substr(candidate.text_at, candidate.text_bytes);
    switch (candidate.compare) {
        case shape::name_literal: return name == text;
        case shape::name_suffix: return name.ends_with(text);
        case shape::name_glob: return glob_match(text, name);
        case shape::path_literal: return path == text;
        case shape::path_glob: break;
    }
    // git compares the literal part first and matches the rest alone, so in "a/b**/c" the stars stand at a start and
    // cross slashes, which the whole pattern would not let them do.
    std::size_t const prefix = candidate.prefix_bytes;
    return path.substr(0, prefix) == text.substr(0, prefix) && glob_match(text.substr(prefix), path.substr(prefix));
}

std::size_t pattern_list::memory_bytes() const noexcept {
    return texts_.capacity() + entries_.capacity() * sizeof(entry);
}

}  // namespace submitit::walk
