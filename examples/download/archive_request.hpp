// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include <boost/asio/any_io_executor.hpp>
#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>

#include "download/service.hpp"
#include "submitit/export_job.hpp"

namespace download {

/// A directory below the root, and how it is wanted.
struct archive_request {
    std::string directory;  ///< canonical path
    std::string name;       ///< what it is called in the archive: as in the request
    submitit::format format = submitit::format::zip;
};

/// What `/some/directory.tar.gz` names.
///
/// Fails:  EINVAL: no such target can exist (a broken escape, NUL); ENOENT: anything else that is not served, so that nobody
///         learns what lies outside the root.
/// Blocks: on the file system, for a path's names.
/// Safe:   against every name. Not against who may rename directories below the root while it runs: such a user could have
///         another directory exported, so give the root to none but its owner.
[[nodiscard]] boost::system::result<archive_request> find_archive(std::string_view target, settings const& from);

[[nodiscard]] std::string_view content_type(submitit::format kind) noexcept;

/// The export of it. What begins with a dot cannot be asked for, and is in no archive either.
[[nodiscard]] submitit::export_job make_job(boost::asio::any_io_executor const& executor, service& from,
                                            archive_request const& wanted);

/// The status that answers an export which failed before its first byte.
[[nodiscard]] unsigned status_of(boost::system::error_code error) noexcept;

}  // namespace download
