// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "archive/encoder.hpp"
#include "memory/slab.hpp"
#include "plan/ticket.hpp"

namespace submitit::pipeline {

class job;

/// What a flight waited for before it came to the workers.
enum class arrival : std::uint8_t { planned, admitted, budget, window, device, links };
inline constexpr std::size_t arrivals = 6;

/// A ticket between its grant and its retirement, with everything it was granted. One stage owns it at a time.
struct flight {
    plan::ticket ticket;
    memory::slab slab;
    std::vector<archive::content> contents;
    std::vector<std::uint32_t> missing;         ///< contents the backend is reading
    std::atomic<std::uint32_t> outstanding{0};  ///< of those
    bool laid_out = false;
    std::vector<walk::notice> notices;  ///< of reading, in entry order
    archive::encoded done;
    std::uint64_t planned_us = 0;  ///< when it was
    arrival from = arrival::admitted;
    std::uint64_t turn = 0;      ///< order of the grants over all jobs of an engine
    std::shared_ptr<job> owner;  ///< set with the grant
};

}  // namespace submitit::pipeline
