// SPDX-License-Identifier: Apache-2.0
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <fstream>

#include "base/unique_fd.hpp"
#include "io/errno_text.hpp"
#include "io/uring/ring.hpp"
#include "io/uring/uring.hpp"

namespace submitit::io::uring {
namespace {

struct opcode_name {
    int opcode;
    char const* name;
};
constexpr std::array<opcode_name, 4> opcodes_needed{{
    {IORING_OP_NOP, "NOP"},
    {IORING_OP_READ, "READ"},
    {IORING_OP_OPENAT2, "OPENAT2"},
    {IORING_OP_TIMEOUT, "TIMEOUT"},
}};

/// io_uring_setup(2): 1 = only for CAP_SYS_ADMIN and the group in kernel.io_uring_group, 2 = for nobody.
std::string who_forbids() {
    int disabled = 0;
    std::ifstream{"/proc/sys/kernel/io_uring_disabled"} >> disabled;
    if (disabled == 0) return "a sandbox (seccomp, as in containers) forbids it";
    return "the sysctl kernel.io_uring_disabled is " + std::to_string(disabled) + "; 0 allows it";
}

std::string remedy(int error) {
    switch (error) {
        case EPERM:
        case EACCES: return who_forbids();
        case ENOSYS: return "the kernel has no io_uring, or a sandbox (seccomp) hides it";
        case ENOMEM: return "too little memory may be locked; raise RLIMIT_MEMLOCK (ulimit -l)";
        case EMFILE:
        case ENFILE: return "no descriptor is left; raise RLIMIT_NOFILE (ulimit -n)";
        case EINVAL: return "the kernel is too old (5.6 is needed)";
        default: return "the thread pool reads instead";
    }
}

probe_result refused(char const* what, int error) {
    return {error, std::string{what} + " refused: " + errno_text(error) + ": " + remedy(error), {}};
}

char const* missing_opcode(::io_uring& raw) {
    auto* const answers = ::io_uring_get_probe_ring(&raw);
    if (answers == nullptr) return "the opcode probe";
    char const* missing = nullptr;
    for (auto const& [opcode, name] : opcodes_needed) {
        if (missing == nullptr && ::io_uring_opcode_supported(answers, opcode) == 0) missing = name;
    }
    ::io_uring_free_probe(answers);
    return missing;
}

/// Submits what is prepared and waits for its completion: its outcome, or the errno of io_uring_enter in `enter_error`.
int run_one(::io_uring& raw, int& enter_error) {
    int const submitted = ::io_uring_submit_and_wait(&raw, 1);
    ::io_uring_cqe* cqe = nullptr;
    int const waited = submitted < 0 ? submitted : ::io_uring_wait_cqe(&raw, &cqe);
    enter_error = waited < 0 ? -waited : 0;
    if (enter_error != 0) return waited;
    int const outcome = cqe->res;
    ::io_uring_cqe_seen(&raw, cqe);
    return outcome;
}

}  // namespace

probe_result probe() {
    // Freed after the ring, so that a read that was never reaped finds its byte.
    char byte = 0;
    unique_fd memory{::memfd_create("submitit-probe", MFD_CLOEXEC)};
    if (!memory || ::write(memory.get(), "x", 1) != 1) return refused("memfd_create", errno);

    ring trial;
    if (auto const opened = trial.open(8); !opened) return refused("io_uring_setup", opened.error().value());
    if (auto const* const missing = missing_opcode(trial.raw()); missing != nullptr) {
        return {EOPNOTSUPP, std::string{"io_uring lacks "} + missing + ": the kernel is too old (5.6 is needed)", {}};
    }
    int enter_error = 0;
    ::io_uring_prep_nop(&trial.next_sqe());
    int outcome = run_one(trial.raw(), enter_error);
    if (enter_error != 0) return refused("io_uring_enter", enter_error);
    if (outcome < 0) return refused("an io_uring NOP", -outcome);

    ::io_uring_prep_read(&trial.next_sqe(), memory.get(), &byte, 1, 0);
    outcome = run_one(trial.raw(), enter_error);
    if (enter_error != 0) return refused("io_uring_enter", enter_error);
    if (outcome != 1 || byte != 'x') return refused("an io_uring read", outcome < 0 ? -outcome : EIO);
    return {0, "io_uring works: set-up, opcodes, a NOP and a read were tried", trial.features()};
}

}  // namespace submitit::io::uring
