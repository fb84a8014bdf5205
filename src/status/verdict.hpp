// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "status/snapshot.hpp"

namespace submitit::status {

/// What the job was bound by between two moments, from what was counted there; nothing else is looked at. An empty `before` means since
/// the job began.
///
/// How:      what is busy nearly all the time limits the rest: the one thread that writes, or the workers. When neither is, workers
///           had nothing to do, and what their next tickets came late from says why: reads, grants, planning.
/// Not promised: the truth about a mixture; the largest part is named.
[[nodiscard]] verdict judge(snapshot const& before, snapshot const& after, std::uint64_t job);

/// "cpu", "disk", ...
[[nodiscard]] char const* to_string(bound by) noexcept;
/// The same in a sentence: "the CPU".
[[nodiscard]] char const* name_of(bound by) noexcept;

}  // namespace submitit::status
