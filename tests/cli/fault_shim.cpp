// SPDX-License-Identifier: Apache-2.0
// Preloaded into the program (LD_PRELOAD): lets something happen to one file at one moment, always the same one.
//
// FAULT_FILE   the file, by its path before the run
// FAULT_AT     stat: after the walk looked at it; read: before a read out of the page cache; backend: the same reads,
//              but the cache has nothing, so the I/O backend (--io threads) makes them; sync: before an fsync of it (a
//              directory, too)
// FAULT_SKIP   so many of these moments pass first (default 0)
// FAULT_TIMES  and so many are hit (default 1)
// FAULT_DO     delete; move (to FAULT_WITH); replace (by what FAULT_WITH names); truncate (to FAULT_SIZE);
//              append (FAULT_SIZE zeros); eio (the call fails)
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

std::string variable(char const* name) {
    char const* const value = std::getenv(name);
    return value != nullptr ? value : "";
}

struct fault {
    std::string file = variable("FAULT_FILE");
    std::string at = variable("FAULT_AT");
    std::string what = variable("FAULT_DO");
    std::string with = variable("FAULT_WITH");
    off_t size = std::atol(variable("FAULT_SIZE").c_str());
    int skip = std::atoi(variable("FAULT_SKIP").c_str());
    int times = variable("FAULT_TIMES").empty() ? 1 : std::atoi(variable("FAULT_TIMES").c_str());
    struct ::stat identity{};
    std::atomic<int> seen{0};

    fault() {
        if (::lstat(file.c_str(), &identity) != 0) std::abort();
    }
    [[nodiscard]] bool is_it(struct ::stat const& st) const {
        return st.st_dev == identity.st_dev && st.st_ino == identity.st_ino;
    }
    [[nodiscard]] bool is_it(int fd) const {
        struct ::stat st{};
        return ::fstat(fd, &st) == 0 && is_it(st);
    }
    [[nodiscard]] bool due() {
        auto const number = seen.fetch_add(1);
        return number >= skip && number < skip + times;
    }
    /// False: the call must fail with EIO.
    [[nodiscard]] bool happen() const {
        bool done = true;
        if (what == "delete") done = ::unlink(file.c_str()) == 0;
        if (what == "move") done = std::rename(file.c_str(), with.c_str()) == 0;
        if (what == "replace") done = std::rename(with.c_str(), file.c_str()) == 0;
        if (what == "truncate") done = ::truncate(file.c_str(), size) == 0;
        if (what == "append") {
            struct ::stat now{};
            done = ::stat(file.c_str(), &now) == 0 && ::truncate(file.c_str(), now.st_size + size) == 0;
        }
        if (!done) std::abort();
        return what != "eio";
    }
};

fault& the_fault() {
    static fault one;
    return one;
}

template <class Function>
Function* next(char const* name) {
    return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

/// False with errno: the call fails.
bool before(int fd, std::string_view moment) {
    auto& fault = the_fault();
    if (fault.at != moment || !fault.is_it(fd) || !fault.due() || fault.happen()) return true;
    errno = EIO;
    return false;
}

__attribute__((constructor)) void look_up_the_file() { the_fault(); }

}  // namespace

#define INTERPOSED extern "C" __attribute__((visibility("default")))

INTERPOSED int fstatat64(int dir_fd, char const* path, struct stat64* into, int flags) noexcept {
    static auto* const real = next<int(int, char const*, struct stat64*, int)>("fstatat64");
    int const status = real(dir_fd, path, into, flags);
    auto& fault = the_fault();
    bool const concerned = status == 0 && fault.at == "stat" && into->st_dev == fault.identity.st_dev &&
                           into->st_ino == fault.identity.st_ino && fault.due();
    if (!concerned || fault.happen()) return status;
    errno = EIO;
    return -1;
}

INTERPOSED ssize_t preadv64v2(int fd, iovec const* parts, int count, off64_t offset, int flags) {
    static auto* const real = next<ssize_t(int, iovec const*, int, off64_t, int)>("preadv64v2");
    if (the_fault().at == "backend" && the_fault().is_it(fd)) {
        errno = EAGAIN;
        return -1;
    }
    return before(fd, "read") ? real(fd, parts, count, offset, flags) : -1;
}

INTERPOSED ssize_t pread64(int fd, void* into, size_t count, off64_t offset) {
    static auto* const real = next<ssize_t(int, void*, size_t, off64_t)>("pread64");
    return before(fd, "backend") ? real(fd, into, count, offset) : -1;
}

INTERPOSED int fsync(int fd) {
    static auto* const real = next<int(int)>("fsync");
    return before(fd, "sync") ? real(fd) : -1;
}
