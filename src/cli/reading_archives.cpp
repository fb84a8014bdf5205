// SPDX-License-Identifier: Apache-2.0
#include "cli/reading_archives.hpp"

#include <sys/stat.h>

#include "archive/traits.hpp"
#include "base/display_name.hpp"
#include "base/errc.hpp"
#include "cli/exit_status.hpp"
#include "cli/messages.hpp"
#include "cli/refusal.hpp"

namespace submitit::cli {
namespace {

int status_of(error_code error) {
    if (error == errc::budget_too_small) return budget_too_small;
    bool const about_contents = error.category() == make_error_code(errc::internal).category();
    return about_contents ? verification_failed : source_failure;
}

}  // namespace

std::optional<int> refuse_empty(std::string const& archive) {
    struct ::stat st{};
    if (::stat(archive.c_str(), &st) != 0 || !S_ISREG(st.st_mode) || st.st_size != 0) return std::nullopt;
    print_error(display_name(archive) + ": is empty (0 bytes), so no archive");
    return verification_failed;
}

int refuse_unreadable(std::string_view command, std::string const& archive, error_code error, std::string_view why) {
    auto const name = display_name(archive);
    if (error == from_errno(ESPIPE))
        return print_refusal(
            {source_failure, name + ": not a regular file, which " + std::string{command} +
                                 " needs, as it reads back and forth. Write the archive to a file first"},
            command);
    if (error != errc::archive_unsupported)
        return print_refusal({status_of(error), name + ": " + (why.empty() ? error.message() : display_name(why))},
                             command);
    if (archive::format_of_suffix(archive))
        return print_refusal(
            {verification_failed, name + ": damaged: its name promises an archive, its first bytes begin none"},
            command);
    return print_refusal({usage, name + ": is no archive of a known kind. Name a zip, tar, tar.gz, tar.zst, tar.xz, "
                                        "tar.bz2 or 7z file"},
                         command);
}

}  // namespace submitit::cli
