// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace submitit::walk {

/// One pattern of --exclude or --include, in the order of the command line.
struct selection_rule {
    bool include = false;
    std::string pattern;  ///< gitignore syntax, without a leading '!' meaning anything here for --include
};

struct selection_options {
    std::vector<selection_rule> rules;   ///< --exclude, --include and the lines of --exclude-from, in order
    bool gitignore = false;              ///< honour .gitignore files and $GIT_DIR/info/exclude, as `git check-ignore --no-index` does without a global file
    bool exclude_vcs = false;            ///< .git .svn .hg .bzr CVS _darcs .gitignore-like control names: as GNU tar --exclude-vcs
};

/// Decides what goes in. One per walk; not thread-safe. A walker calls enter() for the source and each directory it goes
/// into, leave() when it is done with it, and excluded() for each name found in the innermost entered directory.
///
/// Memory: compiled patterns of the entered directories only; .gitignore files above 1 MiB are refused with a message.
class selection {
public:
    explicit selection(selection_options options);
    ~selection();
    selection(selection const&) = delete;
    selection& operator=(selection const&) = delete;

    /// The source's root directory. With gitignore, parents up to the repository's root are read too.
    /// `absolute_path` is its real path. Fails when a pattern file exists and cannot be read.
    [[nodiscard]] result<> enter_root(int dir_fd, std::string const& absolute_path);

    /// `name` is one component; `dir_fd` the directory it is (its .gitignore is read through it).
    [[nodiscard]] result<> enter(int dir_fd, std::string_view name);
    void leave();

    /// True when the name in the innermost directory stays out. The last matching pattern wins; command-line rules
    /// are asked after (so they win over) .gitignore files. An excluded directory is not entered by the walker.
    [[nodiscard]] bool excluded(std::string_view name, bool is_directory) const;

private:
    struct state;
    std::unique_ptr<state> state_;
};

/// wildmatch(3)-like matching of git: `*` and `?` and `[...]` do not match '/', `**` does where git lets it.
[[nodiscard]] bool glob_match(std::string_view pattern, std::string_view path) noexcept;

}  // namespace submitit::walk
