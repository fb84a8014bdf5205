// SPDX-License-Identifier: Apache-2.0
#include "walk/vcs_names.hpp"

#include <algorithm>

namespace submitit::walk {
namespace {

constexpr std::string_view vcs_names[] = {
    "CVS",      "RCS",       "SCCS",      ".git",        ".gitignore",   ".gitmodules", ".gitattributes", ".cvsignore",
    ".svn",     ".arch-ids", "{arch}",    "=RELEASE-ID", "=meta-update", "=update",     ".bzr",           ".bzrignore",
    ".bzrtags", ".hg",       ".hgignore", ".hgtags",     ".hgrags",      "_darcs",
};

}  // namespace

bool is_vcs_name(std::string_view name) noexcept {
    return std::find(std::begin(vcs_names), std::end(vcs_names), name) != std::end(vcs_names);
}

}  // namespace submitit::walk
