// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <utility>

#include "download/settings.hpp"
#include "submitit/checksum_cache.hpp"
#include "submitit/engine.hpp"

namespace download {

/// What all connections share: one engine, so one budget.
struct service {
    service(settings from, submitit::engine_options const& options) : limits{std::move(from)}, engine{options} {}

    settings const limits;
    submitit::engine engine;
    std::shared_ptr<submitit::checksum_cache> const checksums = std::make_shared<submitit::checksum_cache>();
};

}  // namespace download
