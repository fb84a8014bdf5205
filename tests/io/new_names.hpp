// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <latch>
#include <string>
#include <thread>
#include <vector>

#include "io/scratch.hpp"

namespace submitit::io::testing {

/// Files below /proc that nobody has looked up yet, so that no name is in the kernel's cache: one a thread, just started.
class new_names {
public:
    explicit new_names(int count) : started_{count}, paths_(static_cast<std::size_t>(count)) {
        for (auto& path : paths_) threads_.emplace_back([this, &path] { wait_as(path); });
        started_.wait();
    }
    new_names(new_names const&) = delete;
    new_names& operator=(new_names const&) = delete;
    ~new_names() { ended_.count_down(); }

    /// Relative to /proc.
    [[nodiscard]] std::vector<std::string> const& paths() const { return paths_; }

    [[nodiscard]] static bytes content() {
        std::string const line = std::string{name} + '\n';
        auto const* const first = reinterpret_cast<std::byte const*>(line.data());
        return {first, first + line.size()};
    }

private:
    static constexpr char const* name = "a-new-name";

    void wait_as(std::string& path) {
        ::prctl(PR_SET_NAME, name);
        path = std::to_string(::getpid());
        path += "/task/";
        path += std::to_string(::syscall(SYS_gettid));
        path += "/comm";
        started_.count_down();
        ended_.wait();
    }

    std::latch started_;
    std::latch ended_{1};
    std::vector<std::string> paths_;
    std::vector<std::jthread> threads_;
};

}  // namespace submitit::io::testing
