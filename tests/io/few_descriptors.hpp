// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/unique_fd.hpp"

namespace submitit::io::testing {

/// Leaves this process `free` descriptors until it ends: the soft limit is lowered to just above what is in use.
class few_descriptors {
public:
    explicit few_descriptors(unsigned free) {
        REQUIRE(::getrlimit(RLIMIT_NOFILE, &before_) == 0);
        unique_fd const lowest{::dup(0)};
        REQUIRE(lowest.get() >= 0);
        auto now = before_;
        now.rlim_cur = static_cast<rlim_t>(lowest.get()) + free;
        REQUIRE(::setrlimit(RLIMIT_NOFILE, &now) == 0);
    }
    few_descriptors(few_descriptors const&) = delete;
    few_descriptors& operator=(few_descriptors const&) = delete;
    ~few_descriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

private:
    ::rlimit before_{};
};

}  // namespace submitit::io::testing
