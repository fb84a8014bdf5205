// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <type_traits>

#include <boost/system/error_code.hpp>

/// Directory trees into archives, for programs on Boost.Asio.
namespace submitit {

/// What can go wrong that errno has no word for. One category object, whose name is "submitit".
enum class errc {
    cancelled = 1,
    budget_too_small,      ///< the request is larger than the whole budget and can never be granted
    source_replaced,       ///< the name leads to another inode or type than the walk saw
    source_changed,        ///< the file was modified while it was read
    no_space_in_ticket,    ///< more bytes than the plan promised
    encoder_failed,        ///< a compression library refused; a bug or exhausted memory
    archive_corrupt,       ///< verification found bytes that do not match their own checksums or structure
    archive_truncated,     ///< verification found the end too early
    archive_unsupported,   ///< a valid archive of a kind this program cannot prove
    contents_differ,       ///< --against: archive and directory disagree
    name_not_synced,       ///< the complete output has its name, which the disk may not know
    io_uring_unavailable,  ///< asked for by name and refused by the system
    engine_closed,         ///< the engine went before the operation was started
    engine_full,           ///< no room for another export now, and it was not to wait
    nothing_to_store,      ///< every name was left out, or there was none
    warnings_refused,      ///< a warning came, and the export was strict
    duplicate_source,      ///< two sources would have the same stored name
    internal,
};

/// What makes `error == errc::cancelled` work: found by its argument, not meant to be called.
[[nodiscard, gnu::visibility("default")]] boost::system::error_code make_error_code(errc value) noexcept;

}  // namespace submitit

namespace boost::system {

template <>
struct is_error_code_enum<submitit::errc> : std::true_type {};

}  // namespace boost::system
