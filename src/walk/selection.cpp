// SPDX-License-Identifier: Apache-2.0
#include "walk/selection.hpp"

#include <fcntl.h>

#include <algorithm>

#include "base/check.hpp"
#include "walk/git_repository.hpp"
#include "walk/ignore_file.hpp"
#include "walk/small_file.hpp"
#include "walk/vcs_names.hpp"

namespace submitit::walk {
namespace {

constexpr std::size_t pattern_file_bytes_max = 1 << 20;
// Of one walk; a counting walk beside has its own. Real repositories take some 100 KiB.
constexpr std::size_t pattern_bytes_max = 4 << 20;

pattern_list compile(std::vector<selection_rule> const& rules) {
    pattern_list list;
    for (selection_rule const& rule : rules)
        list.add(rule.include ? ignore_pattern{rule.pattern, true} : split_negation(rule.pattern));
    return list;
}

/// The last `count` components of a normalised absolute path.
std::string_view last_components(std::string_view path, std::size_t count) noexcept {
    std::size_t at = path.size();
    for (; count > 0 && at > 0; --count) at = path.rfind('/', at - 1);
    return at < path.size() ? path.substr(at + 1) : std::string_view{};
}

}  // namespace

std::vector<selection_rule> parse_selection_rules(std::string_view file) {
    std::vector<selection_rule> rules;
    for_each_pattern(file,
                     [&](ignore_pattern pattern) { rules.push_back({pattern.negated, std::string{pattern.text}}); });
    return rules;
}

struct selection::state {
    /// The patterns of one file and where the names they apply to begin.
    struct scope {
        std::size_t base_bytes = 0;  ///< in `path`
        pattern_list patterns;
    };
    /// What leave() goes back to.
    struct level {
        std::size_t path_bytes = 0;
        std::size_t scopes = 0;
    };

    explicit state(selection_options const& options)
        : rules{compile(options.rules)}, gitignore{options.gitignore}, exclude_vcs{options.exclude_vcs} {}

    pattern_list const rules;
    bool const gitignore;
    bool const exclude_vcs;

    /// The innermost directory, relative to the repository's root, ending in '/' or empty. excluded() appends the name
    /// in place and takes it off again, so that no decision allocates.
    std::string path;
    std::size_t root_bytes = 0;  ///< of `path`: the source's root
    bool root_ignored = false;
    std::vector<scope> scopes;  ///< outermost first; directories without patterns have none
    std::vector<level> levels;  ///< one for each entered directory
    std::size_t pattern_bytes = 0;

    result<> load(int dir_fd, std::string const& file, bool follow_links);
    result<> load_gitignore(int dir_fd) { return load(dir_fd, ".gitignore", false); }
    result<> load_parents(git_repository const& repository, std::string_view relative_root);
    void open_level() { levels.push_back({path.size(), scopes.size()}); }
    void close_level();
    [[nodiscard]] verdict ask_files(std::size_t name_at, bool is_directory) const noexcept;
    [[nodiscard]] bool decide(std::size_t name_at, bool is_directory) const noexcept;
};

result<> selection::state::load(int dir_fd, std::string const& file, bool follow_links) {
    auto content = read_small_file(dir_fd, file, {.bytes_max = pattern_file_bytes_max, .follow_links = follow_links});
    if (!content) return content.error();
    if (!*content) return {};
    pattern_list patterns = pattern_list::of_file(**content);
    if (patterns.empty()) return {};
    std::size_t const bytes = patterns.memory_bytes();
    if (pattern_bytes + bytes > pattern_bytes_max) return from_errno(EFBIG);
    pattern_bytes += bytes;
    scopes.push_back({path.size(), std::move(patterns)});
    return {};
}

// Goes from the repository's root down to the source's root, reading what lies above it; stops at an ignored directory.
result<> selection::state::load_parents(git_repository const& repository, std::string_view relative_root) {
    result<> outcome;
    auto keep_first = [&](result<> next) {
        if (outcome && !next) outcome = next;
    };
    if (repository.common_dir) keep_first(load(repository.common_dir.get(), "info/exclude", true));
    unique_fd parent;
    for (std::size_t at = 0; at < relative_root.size();) {
        int const here = parent ? parent.get() : repository.root.get();
        keep_first(load_gitignore(here));
        std::size_t const end = std::min(relative_root.find('/', at), relative_root.size());
        std::string const name{relative_root.substr(at, end - at)};
        std::size_t const name_at = path.size();
        path += name;
        root_ignored = ask_files(name_at, true) == verdict::excluded;
        path += '/';
        at = end + 1;
        if (root_ignored) break;
        parent = unique_fd{::openat(here, name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
        if (!parent) return last_errno();
    }
    return outcome;
}

void selection::state::close_level() {
    while (scopes.size() > levels.back().scopes) {
        pattern_bytes -= scopes.back().patterns.memory_bytes();
        scopes.pop_back();
    }
    path.resize(levels.back().path_bytes);
    levels.pop_back();
}

verdict selection::state::ask_files(std::size_t name_at, bool is_directory) const noexcept {
    for (std::size_t i = scopes.size(); i-- > 0;) {
        std::size_t const base = scopes[i].base_bytes;
        verdict const answer =
            scopes[i].patterns.match(std::string_view{path}.substr(base), name_at - base, is_directory);
        if (answer != verdict::undecided) return answer;
    }
    return verdict::undecided;
}

bool selection::state::decide(std::size_t name_at, bool is_directory) const noexcept {
    std::string_view const whole = path;
    verdict const ruled = rules.match(whole.substr(root_bytes), name_at - root_bytes, is_directory);
    if (ruled != verdict::undecided) return ruled == verdict::excluded;
    if (exclude_vcs && is_vcs_name(whole.substr(name_at))) return true;
    return root_ignored || ask_files(name_at, is_directory) == verdict::excluded;
}

selection::selection(selection_options options) : state_{std::make_unique<state>(options)} {}
selection::~selection() = default;

result<> selection::enter_root(int dir_fd, std::string const& absolute_path) {
    state& s = *state_;
    SUBMITIT_CHECK(s.levels.empty());
    s.open_level();
    s.root_bytes = 0;
    s.root_ignored = false;
    if (!s.gitignore) return {};
    auto repository = find_git_repository(dir_fd);
    result<> outcome;
    if (!repository) outcome = repository.error();
    if (repository && *repository) {
        std::string_view const relative_root = last_components(absolute_path, (*repository)->depth);
        outcome = s.load_parents(**repository, relative_root);
        s.path = relative_root;
        if (!s.path.empty()) s.path += '/';
    }
    s.root_bytes = s.path.size();
    if (s.root_ignored) return outcome;
    result<> const own = s.load_gitignore(dir_fd);
    return outcome ? own : outcome;
}

result<> selection::enter(int dir_fd, std::string_view name) {
    state& s = *state_;
    SUBMITIT_CHECK(!s.levels.empty());
    s.open_level();
    s.path += name;
    s.path += '/';
    // Nothing is read below an ignored directory: git decides it as a whole.
    if (!s.gitignore || s.root_ignored) return {};
    return s.load_gitignore(dir_fd);
}

void selection::leave() {
    SUBMITIT_CHECK(!state_->levels.empty());
    state_->close_level();
}

bool selection::excluded(std::string_view name, bool is_directory) const {
    state& s = *state_;
    SUBMITIT_CHECK(!s.levels.empty());
    std::size_t const name_at = s.path.size();
    s.path += name;
    bool const answer = s.decide(name_at, is_directory);
    s.path.resize(name_at);
    return answer;
}

bool selection::root_ignored() const noexcept { return state_->root_ignored; }

std::size_t selection::pattern_bytes() const noexcept { return state_->pattern_bytes; }

}  // namespace submitit::walk
