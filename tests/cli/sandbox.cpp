// SPDX-License-Identifier: Apache-2.0
#include "cli/sandbox.hpp"

#include <doctest/doctest.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdlib>

namespace submitit::testing {
namespace {

constexpr uid_t nobody = 65534;

}  // namespace

std::function<void()> without_io_uring(int error) {
    return [error] {
        std::array<sock_filter, 4> code{
            sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
            sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
            sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<unsigned>(error)),
            sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        sock_fprog const filter{static_cast<unsigned short>(code.size()), code.data()};
        if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) ::_exit(126);
        if (::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) != 0) ::_exit(126);
    };
}

void as_nobody() {
    if (::geteuid() != 0) return;
    if (::setgroups(0, nullptr) != 0 || ::setgid(nobody) != 0 || ::setuid(nobody) != 0) ::_exit(126);
}

std::vector<std::pair<std::string, std::string>> fault_shim_for(std::string const& file) {
    char const* const shim = std::getenv("SUBMITIT_FAULT_SHIM");
    REQUIRE(shim != nullptr);
    // A program with the address sanitizer wants to come first itself, and cannot look for leaks under a tracer.
    return {{"LD_PRELOAD", shim}, {"ASAN_OPTIONS", "verify_asan_link_order=0"}, {"FAULT_FILE", file}};
}

small_file_system::small_file_system(std::string directory, unsigned bytes) : directory_{std::move(directory)} {
    static bool const own_namespace =
        ::unshare(CLONE_NEWNS) == 0 && ::mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
    auto const options = "size=" + std::to_string(bytes);
    mounted_ = own_namespace && ::mount("tmpfs", directory_.c_str(), "tmpfs", 0, options.c_str()) == 0;
    if (!mounted_) MESSAGE("mounting needs root: what a small file system would show is skipped");
}

small_file_system::~small_file_system() {
    if (mounted_) ::umount2(directory_.c_str(), MNT_DETACH);
}

}  // namespace submitit::testing
