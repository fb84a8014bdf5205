// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "io/backend.hpp"

namespace submitit::io::threads {

/// Starts the pool. Works on every system; fails only when no thread can be made (EAGAIN).
[[nodiscard]] result<std::unique_ptr<backend>> start(backend_options const& options);

}  // namespace submitit::io::threads
