// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "io/backend.hpp"
#include "io/read_ring.hpp"

/// All that the rest of the area sees of the ring: no header outside this folder includes liburing.
namespace submitit::io::uring {

struct probe_result {
    int error = 0;         ///< errno; 0 when the ring works
    std::string reason;    ///< one sentence, in both cases
    std::string features;  ///< set-up flags in use, separated by spaces
};

/// Sets a small ring up, asks for the opcodes, runs one NOP and one real read: a sandbox may allow the set-up and forbid the
/// rest. Leaves nothing open.
[[nodiscard]] probe_result probe();

/// Starts the I/O thread, which creates its ring itself. Fails with the errno of the set-up.
[[nodiscard]] result<std::unique_ptr<backend>> start(backend_options const& options);

/// Fails with the errno of the set-up.
[[nodiscard]] result<std::unique_ptr<read_ring>> open_read_ring(std::uint32_t reads_max);

}  // namespace submitit::io::uring
