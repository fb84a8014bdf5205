// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace submitit::io {

/// "Operation not permitted (EPERM)": the symbol too, since that is what people search for; numbers without a common symbol
/// read "... (errno 71)".
[[nodiscard]] std::string errno_text(int value);

}  // namespace submitit::io
