// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include "base/result.hpp"
#include "base/unique_fd.hpp"
#include "http/address.hpp"

namespace submitit::http {

/// A socket that listens. A socket file goes with it, unless another has taken its name meanwhile.
class listener {
public:
    /// With port 0 the system chooses one. A socket file gets mode 0600; one that a dead process left is replaced, but one that
    /// somebody answers on is not (EADDRINUSE), nor is a file that is no socket (EEXIST).
    [[nodiscard]] static result<listener> open(address where);

    listener(listener&& other) noexcept;
    listener& operator=(listener&&) = delete;
    ~listener();

    /// With the port it has.
    [[nodiscard]] address const& where() const noexcept { return where_; }
    [[nodiscard]] int family() const noexcept { return family_; }
    [[nodiscard]] int descriptor() const noexcept { return socket_.get(); }
    /// The socket, which from now on belongs to the caller; the file stays with the listener.
    [[nodiscard]] int release() noexcept { return socket_.release(); }

private:
    listener(address where, unique_fd socket, int family) noexcept
        : where_{std::move(where)}, socket_{std::move(socket)}, family_{family} {}

    address where_;
    unique_fd socket_;
    int family_;
    dev_t device_ = 0;
    ino_t inode_ = 0;
};

}  // namespace submitit::http
