// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <doctest/doctest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>

namespace submitit::testing {

/// A system call that answers `error` where its argument `argument` has one of `bits` (no bits: always).
struct refused_call {
    long number = 0;
    int error = 0;
    unsigned argument = 0;
    std::uint32_t bits = 0;
};

inline constexpr int no_filter_here = 77;

/// Runs `body` in a child process under a filter that refuses one system call; gives its exit status, or no_filter_here.
/// A child that hangs is killed after 20 s and fails the test.
template <class Body>
int status_of_child_without(refused_call const& refused, Body body) {
    auto const child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        ::alarm(20);
        auto const number = static_cast<std::uint32_t>(refused.number);
        auto const low_half = static_cast<std::uint32_t>(offsetof(seccomp_data, args) + 8 * refused.argument);
        auto const test = static_cast<std::uint16_t>(BPF_JMP | BPF_K | (refused.bits != 0 ? BPF_JSET : BPF_JGE));
        std::array<sock_filter, 6> code{{
            {BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, nr)},
            {BPF_JMP | BPF_JEQ | BPF_K, 0, 3, number},
            {BPF_LD | BPF_W | BPF_ABS, 0, 0, low_half},
            {test, 0, 1, refused.bits},
            {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(refused.error)},
            {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW},
        }};
        sock_fprog const program{static_cast<unsigned short>(code.size()), code.data()};
        bool const filtered = ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
                              ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
        ::_exit(filtered ? body() : no_filter_here);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFEXITED(status));
    return WEXITSTATUS(status);
}

}  // namespace submitit::testing
