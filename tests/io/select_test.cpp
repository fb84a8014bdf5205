// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <cstdlib>
#include <thread>

#include "base/errc.hpp"
#include "io/engines.hpp"

using namespace submitit;
using namespace submitit::io;
using namespace submitit::io::testing;

namespace {

/// From now on `call` fails with `error` on this thread and on those it starts: a filter belongs to its thread, so ending the
/// thread ends the sandbox.
bool forbid(unsigned call, unsigned error) {
    ::sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(::seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    ::sock_fprog const program{4, rules};
    return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

struct answers {
    bool forbidden = false;
    bool automatic_started = false;
    backend_report automatic;
    error_code by_name;
    backend_report by_name_report;
    bytes read;
};

/// What a sandbox without `call` gets, tried on a thread of its own.
answers ask_where_forbidden(unsigned call, unsigned error, scratch const& dir) {
    answers seen;
    std::thread{[&] {
        seen.forbidden = forbid(call, error);
        backend_options options;
        if (auto const automatic = select_backend(options, &seen.automatic)) {
            seen.automatic_started = true;
            reads one;
            one.add(dir.fd(), "file", 5000);
            one.run(*automatic->engine);
            seen.read = one.content(0);
        }
        options.kind = backend_kind::uring;
        auto const by_name = select_backend(options, &seen.by_name_report);
        seen.by_name = by_name ? error_code{} : by_name.error();
    }}.join();
    return seen;
}

class environment {
public:
    explicit environment(char const* value) { ::setenv("SUBMITIT_IO_BACKEND", value, 1); }
    environment(environment const&) = delete;
    environment& operator=(environment const&) = delete;
    ~environment() { ::unsetenv("SUBMITIT_IO_BACKEND"); }
};

}  // namespace

TEST_SUITE_BEGIN("io/select");

TEST_CASE("a sandbox that refuses io_uring gets the thread pool, the errno and a sentence; asked by name, an error") {
    if (probe().uring_errno != 0) return;
    scratch const dir;
    dir.put("file", pattern(5000, 1));
    struct refusal {
        unsigned call;
        unsigned error;
        char const* says;
    };
    for (auto const& [call, error, says] : {
             refusal{SYS_io_uring_setup, EPERM,
                     "io_uring_setup refused: Operation not permitted (EPERM): a sandbox (seccomp"},
             refusal{SYS_io_uring_setup, ENOSYS,
                     "io_uring_setup refused: Function not implemented (ENOSYS): the kernel has no"},
             refusal{SYS_io_uring_enter, EPERM, "io_uring_enter refused: Operation not permitted (EPERM)"},
         }) {
        CAPTURE(says);
        auto const seen = ask_where_forbidden(call, error, dir);
        REQUIRE(seen.forbidden);
        CHECK(seen.automatic_started);
        CHECK(seen.automatic.chosen == backend_kind::threads);
        CHECK(seen.automatic.uring_errno == static_cast<int>(error));
        CAPTURE(seen.automatic.reason);
        CHECK(seen.automatic.reason.starts_with(says));
        CHECK(seen.automatic.uring_features.empty());
        CHECK((seen.read == pattern(5000, 1)));
        CHECK(seen.by_name == make_error_code(errc::io_uring_unavailable));
        CHECK(seen.by_name_report.reason == seen.automatic.reason);
    }
}

TEST_CASE("where io_uring works it is chosen, and its flags are named") {
    if (probe().uring_errno != 0) return;
    auto const selected = select_backend({});
    REQUIRE(selected.has_value());
    CHECK(selected->report.chosen == backend_kind::uring);
    CHECK(selected->engine->kind() == backend_kind::uring);
    CHECK(selected->report.uring_errno == 0);
    CHECK(selected->report.reason.starts_with("io_uring works"));
    CHECK(selected->report.uring_features.find("SUBMIT_ALL") != std::string::npos);
}

TEST_CASE("the environment decides when the choice is automatic, and only then") {
    {
        environment const threads{"threads"};
        auto const automatic = select_backend({});
        REQUIRE(automatic.has_value());
        CHECK(automatic->engine->kind() == backend_kind::threads);
        CHECK(automatic->report.reason == "the thread pool was asked for by name");
    }
    {
        environment const nonsense{"fast"};
        backend_report report;
        auto const refused = select_backend({}, &report);
        REQUIRE_FALSE(refused.has_value());
        CHECK(refused.error() == from_errno(EINVAL));
        CHECK(report.reason == "SUBMITIT_IO_BACKEND is neither auto, uring nor threads");

        backend_options named;
        named.kind = backend_kind::threads;
        CHECK(select_backend(named).has_value());
    }
}

TEST_CASE("names of backends are read as they are written") {
    for (auto const kind : {backend_kind::automatic, backend_kind::uring, backend_kind::threads}) {
        auto const parsed = parse_backend_kind(to_string(kind));
        REQUIRE(parsed.has_value());
        CHECK(*parsed == kind);
    }
    for (auto const* const text : {"", "Auto", "threads ", "io_uring"})
        CHECK_FALSE(parse_backend_kind(text).has_value());
}

TEST_SUITE_END();
