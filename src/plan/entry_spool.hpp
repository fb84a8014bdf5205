// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/result.hpp"
#include "base/spill_file.hpp"
#include "walk/entry.hpp"

namespace submitit::plan {

/// Entries set aside in a temporary file, first in, first out: any number of them in little memory. An entry's owner and
/// group names still live where the walk keeps them. One owner, one thread at a time.
class entry_spool {
public:
    /// Fails: as the spill file does.
    [[nodiscard]] result<> append(walk::entry const& entry);

    /// The next one; false at the end. Fails: as the spill file does.
    [[nodiscard]] result<bool> next(walk::entry& out);

    /// next() starts again with the first.
    void rewind() noexcept { position_ = 0; }

    [[nodiscard]] bool empty() const noexcept { return records_.size() == 0; }

private:
    struct header;

    spill_file records_;
    std::uint64_t position_ = 0;
    std::vector<std::shared_ptr<walk::source_root const>> roots_;  // what the records refer to, one for each source
};

}  // namespace submitit::plan
