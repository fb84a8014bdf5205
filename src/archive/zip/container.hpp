// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "archive/attributes.hpp"
#include "archive/container.hpp"

namespace submitit::archive::zip {

/// `seekable`: headers of large files are patched when their sizes are known, and a file that cannot be read to its end is
/// cut off again. Otherwise they carry descriptors, and missing bytes are zeros.
[[nodiscard]] std::unique_ptr<container> make_container(attribute_options const& options, bool seekable,
                                                        std::size_t window_bytes);

}  // namespace submitit::archive::zip
