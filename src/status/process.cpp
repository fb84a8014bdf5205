// SPDX-License-Identifier: Apache-2.0
#include "status/process.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <string_view>

#include "base/unique_fd.hpp"

namespace submitit::status {
namespace {

double seconds_of(clockid_t clock) noexcept {
    ::timespec now{};
    ::clock_gettime(clock, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

/// The file's beginning; it is one line of numbers.
template <std::size_t Bytes>
std::string_view read_line(char const* path, std::array<char, Bytes>& into) noexcept {
    unique_fd const file{::open(path, O_RDONLY | O_CLOEXEC)};
    auto const n = file ? ::read(file.get(), into.data(), into.size() - 1) : 0;
    into[static_cast<std::size_t>(n > 0 ? n : 0)] = '\0';
    return {into.data(), static_cast<std::size_t>(n > 0 ? n : 0)};
}

/// statm: pages in all, pages resident, ...
std::uint64_t resident_bytes() noexcept {
    std::array<char, 128> text{};
    auto const line = read_line("/proc/self/statm", text);
    auto const at = line.find(' ');
    if (at == std::string_view::npos) return 0;
    return std::strtoull(line.data() + at, nullptr, 10) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

/// stat: field 22 is when the process began, in ticks since the machine did.
double start_time() noexcept {
    std::array<char, 1024> text{};
    auto const line = read_line("/proc/self/stat", text);
    auto at = line.rfind(')');  // a name may hold anything
    for (int field = 2; field < 22 && at != std::string_view::npos; ++field) at = line.find(' ', at + 1);
    if (at == std::string_view::npos) return 0;
    auto const ticks = static_cast<double>(std::strtoull(line.data() + at, nullptr, 10));
    auto const boot = seconds_of(CLOCK_REALTIME) - seconds_of(CLOCK_BOOTTIME);
    return boot + ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

std::uint64_t open_descriptors() noexcept {
    std::unique_ptr<DIR, int (*)(DIR*)> const listing{::opendir("/proc/self/fd"), ::closedir};
    if (!listing) return 0;
    std::uint64_t count = 0;
    while (auto const* const one = ::readdir(listing.get()))
        if (one->d_name[0] != '.') ++count;
    return count > 0 ? count - 1 : 0;  // without the one that lists them
}

}  // namespace

process_figures read_process() {
    static double const began = start_time();
    process_figures now;
    now.resident_bytes = resident_bytes();
    now.descriptors = open_descriptors();
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) now.descriptors_max = limit.rlim_cur;
    now.cpu_seconds = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    now.start_time_seconds = began;
    return now;
}

build_info const& this_build() {
    static build_info const known = [] {
        build_info made;
        made.version = SUBMITIT_VERSION;
#if defined(__clang__)
        made.compiler = "clang " __clang_version__;
#else
        made.compiler = "gcc " __VERSION__;
#endif
        utsname system{};
        if (::uname(&system) == 0) made.kernel = std::string{system.sysname} + ' ' + system.release;
        return made;
    }();
    return known;
}

}  // namespace submitit::status
