// SPDX-License-Identifier: Apache-2.0
#include "io/cached_probe.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "base/unique_fd.hpp"

namespace submitit::io {
namespace {

unique_fd open_here(std::uint64_t resolve) noexcept {
    ::open_how how{};
    how.flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
    how.resolve = resolve;
    return unique_fd{static_cast<int>(::syscall(SYS_openat2, AT_FDCWD, ".", &how, sizeof how))};
}

}  // namespace

bool openat2_works() noexcept { return static_cast<bool>(open_here(RESOLVE_BENEATH)); }

bool cached_reads_work() noexcept {
    if (!open_here(RESOLVE_BENEATH | RESOLVE_CACHED)) return false;
    unique_fd const program{::open("/proc/self/exe", O_RDONLY | O_CLOEXEC)};
    if (!program) return false;
    char byte = 0;
    ::iovec const into{&byte, 1};
    // EAGAIN says that the flag is understood, too.
    return ::preadv2(program.get(), &into, 1, 0, RWF_NOWAIT) == 1 || errno == EAGAIN;
}

}  // namespace submitit::io
