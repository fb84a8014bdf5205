// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace submitit::io {

/// openat2(2) exists and is not filtered.
[[nodiscard]] bool openat2_works() noexcept;

/// RESOLVE_CACHED (5.12) and RWF_NOWAIT both work, tried on this program's own file, which is as cached as files get.
[[nodiscard]] bool cached_reads_work() noexcept;

}  // namespace submitit::io
