// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace submitit::walk {

/// One pattern of --exclude or --include, in the order of the command line. The pattern is taken as it is: '#' and
/// trailing spaces have no meaning here.
struct selection_rule {
    bool include = false;
    /// gitignore syntax; a leading '!' turns an --exclude into an --include, and is a plain byte in an --include.
    std::string pattern;
};

/// The rules in the text of an --exclude-from file: gitignore syntax with comments, '!', CR LF and byte order mark.
[[nodiscard]] std::vector<selection_rule> parse_selection_rules(std::string_view file);

struct selection_options {
    /// --exclude, --include and the lines of --exclude-from, in order.
    std::vector<selection_rule> rules;
    /// Honour .gitignore files and $GIT_DIR/info/exclude, as `git check-ignore --no-index` does without a global file.
    bool gitignore = false;
    /// Leave out the files and directories GNU tar --exclude-vcs knows: .git .svn .hg CVS .gitignore and the like.
    bool exclude_vcs = false;
};

/// Decides what goes in. One walk at a time; not thread-safe. A walker calls enter_root() for the source, enter() for
/// each directory it goes into, leave() when it is done with either, and excluded() for each name found in the
/// innermost entered directory.
///
/// Precedence: the last matching rule of the command line, whose anchored patterns start at the source's root; then
///             exclude_vcs; then the .gitignore files, inner before outer; then info/exclude.
/// Repository: the innermost directory at or above the source's root that holds `.git`; .gitignore files are read from
///             there down, never above. Without one, they are read from the source's root down. A repository inside
///             the tree is a directory like any other, as it is for git run in the outer one.
/// Links:      a .gitignore that is a symlink is not followed, as in git.
/// Memory:     compiled patterns of the entered directories only, freed by leave(). A pattern file above 1 MiB, or
///             patterns above 4 MiB together, are refused with EFBIG.
/// Source:     gitignore(5); git 2.39 where that is silent.
class selection {
public:
    explicit selection(selection_options options);
    ~selection();
    selection(selection const&) = delete;
    selection& operator=(selection const&) = delete;

    /// Enters the source's root directory. With gitignore, parents up to the repository's root are read too.
    /// `absolute_path` is its real path.
    ///
    /// Fails: a pattern file exists and cannot be read. The directory is entered all the same, without the patterns
    ///        of that file, so leave() is due and the walker may go on or give up.
    [[nodiscard]] result<> enter_root(int dir_fd, std::string const& absolute_path);

    /// `name` is one component; `dir_fd` the directory it is (its .gitignore is read through it; O_PATH suffices).
    /// Fails: as enter_root().
    [[nodiscard]] result<> enter(int dir_fd, std::string_view name);
    void leave();

    /// True when the name in the innermost directory stays out. An excluded directory is not entered by the walker, so
    /// nothing below it can be included again. A symlink is not a directory, unless the walker will follow it.
    [[nodiscard]] bool excluded(std::string_view name, bool is_directory) const;

    /// True when the source's root is itself ignored by its repository: then git ignores all below it, and so does
    /// excluded(), but for names a rule of the command line includes.
    [[nodiscard]] bool root_ignored() const noexcept;

    /// Bytes of the pattern files' compiled patterns held now.
    [[nodiscard]] std::size_t pattern_bytes() const noexcept;

private:
    struct state;
    std::unique_ptr<state> state_;
};

/// wildmatch(3)-like matching of git: `*` and `?` and `[...]` do not match '/', `**` does where git lets it (alone
/// between slashes or at an end). Bytes, case-sensitive; a malformed pattern matches nothing.
/// Cost: at worst pattern length x path length x components, never exponential.
[[nodiscard]] bool glob_match(std::string_view pattern, std::string_view path) noexcept;

}  // namespace submitit::walk
