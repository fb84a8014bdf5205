// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace submitit::archive::reader {

/// A stored name as a path below a directory: no leading, trailing or double slashes, no "." components; "" is the
/// directory itself. Nothing when it is absolute, has a ".." component or a NUL: such a name leads elsewhere.
[[nodiscard]] std::optional<std::string> path_below(std::string_view stored);

/// Maps the names of one archive below the directory it is compared with. An archive of a directory calls that
/// directory by name in its first entry ("root/"), and everything else lies below it: then that component stands for the
/// directory itself.
class name_mapping {
public:
    /// Settles it by the first entry. `exists_below` tells whether the directory has an entry of that name.
    template <class Exists>
    void settle(std::string_view first_path, bool is_directory, std::string_view directory_name, Exists exists_below) {
        auto const top = first_path.substr(0, first_path.find('/'));
        bool const is_top_directory = is_directory && top == first_path;
        if (top.empty()) {
            covers_all_ = is_directory;  // "./": the directory itself
        } else if (is_top_directory ? top == directory_name || !exists_below(top)
                                    : top == directory_name && !exists_below(top)) {
            root_ = top;
            covers_all_ = true;
        }
        settled_ = true;
    }

    [[nodiscard]] bool settled() const noexcept { return settled_; }
    /// The archive is one of the whole directory, so files of the directory that it lacks are missing.
    [[nodiscard]] bool covers_all() const noexcept { return covers_all_; }
    [[nodiscard]] std::string const& root() const noexcept { return root_; }

    /// `path` (of path_below) below the directory; nothing when it lies beside the root that stands for it.
    [[nodiscard]] std::optional<std::string> map(std::string_view path) const;

private:
    std::string root_;
    bool covers_all_ = false;
    bool settled_ = false;
};

}  // namespace submitit::archive::reader
