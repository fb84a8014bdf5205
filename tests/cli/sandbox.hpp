// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace submitit::testing {

/// For command::in_child: a seccomp filter under which io_uring_setup(2) fails with `error`, as container run-times have it.
[[nodiscard]] std::function<void()> without_io_uring(int error);

/// For command::in_child: where this runs as root, go on as nobody, whom permissions hold back.
void as_nobody();

/// For command::environment: fault_shim.cpp preloaded, for `file`. FAULT_AT and FAULT_DO are still to be said.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> fault_shim_for(std::string const& file);

/// A tmpfs of `bytes` on a directory, in a mount namespace of this process's own, so that nobody else ever sees it.
class small_file_system {
public:
    small_file_system(std::string directory, unsigned bytes);
    ~small_file_system();
    small_file_system(small_file_system const&) = delete;
    small_file_system& operator=(small_file_system const&) = delete;

    /// False where mounting is not allowed; says so.
    [[nodiscard]] bool mounted() const noexcept { return mounted_; }

private:
    std::string directory_;
    bool mounted_ = false;
};

}  // namespace submitit::testing
