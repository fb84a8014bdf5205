// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "codec/digest128.hpp"
#include "pipeline/flight.hpp"
#include "plan/checksums.hpp"

namespace submitit::pipeline {

/// Follows the contents of a stored zip as it is assembled: one digest over everything that decides its bytes, and the checksums of
/// large files. On the job's executor.
class content_watch {
public:
    explicit content_watch(std::shared_ptr<plan::checksums> known) : known_{std::move(known)} {}

    /// In archive order. False: a large file is not what its known checksum says.
    [[nodiscard]] bool take(flight const& assembled);
    [[nodiscard]] std::string digest() const { return digest_.hex(); }

private:
    [[nodiscard]] bool take_segment(flight const& assembled);

    std::shared_ptr<plan::checksums> known_;
    codec::digest128 digest_;
    std::uint32_t large_crc_ = 0;
    bool large_fails_ = false;
};

}  // namespace submitit::pipeline
