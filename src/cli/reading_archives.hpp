// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

/// What `verify` and `list` answer when an archive cannot be read at all.
namespace submitit::cli {

/// Says that the file at `archive` is empty, where it is; then the exit status.
[[nodiscard]] std::optional<int> refuse_empty(std::string const& archive);

/// Says why `archive` could not be read (`why`; without one, what `error` means) and returns the exit status. What no reader
/// knows was damaged where its name promises an archive, since without its first bytes an archive is none to any reader;
/// elsewhere it is a mistake of usage.
[[nodiscard]] int refuse_unreadable(std::string_view command, std::string const& archive, error_code error,
                                    std::string_view why = {});

}  // namespace submitit::cli
