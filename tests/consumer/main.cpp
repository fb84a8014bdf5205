// SPDX-License-Identifier: Apache-2.0
// A host that knows the installed headers only. What it tries is what a border between binaries breaks: types thrown across it,
// error categories compared by address, handlers of the host's types called by the library.
#include <sys/resource.h>

#include <cstdio>
#include <exception>
#include <string>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include "submitit/engine.hpp"
#include "submitit/error.hpp"
#include "submitit/format.hpp"
#include "submitit/memory_budget.hpp"

namespace {

namespace asio = boost::asio;

int failures = 0;

void check(bool holds, char const* claim) {
    if (holds) return;
    ++failures;
    std::fprintf(stderr, "does not hold: %s\n", claim);
}

asio::awaitable<void> share_bytes(submitit::memory_budget& budget) {
    auto lease = co_await budget.async_acquire(60, asio::use_awaitable);
    check(lease.bytes() == 60, "a coroutine gets its bytes");
    lease.shrink(40);
    check(budget.used_bytes() == 40, "what a lease gives back is free");

    bool threw = false;
    try {
        co_await budget.async_acquire(101, asio::use_awaitable);
    } catch (boost::system::system_error const& error) {
        threw = error.code() == submitit::errc::budget_too_small;
    }
    check(threw, "more than the budget throws submitit's own error");
}

asio::awaitable<void> wait_in_vain(submitit::memory_budget& budget) {
    auto const token = asio::as_tuple(asio::use_awaitable);
    auto const [error, lease] = co_await budget.async_acquire(100, token);
    check(error == asio::error::operation_aborted, "what is cancelled is aborted in Asio's words");
    check(lease.bytes() == 0, "and takes nothing");
}

void rethrow(std::exception_ptr const& thrown) {
    if (thrown) std::rethrow_exception(thrown);
}

void use_budget() {
    asio::io_context context;
    submitit::memory_budget budget{context, 100};
    asio::co_spawn(context, share_bytes(budget), rethrow);
    context.run();

    auto kept = budget.try_acquire(1);
    context.restart();
    asio::co_spawn(context, wait_in_vain(budget), rethrow);
    context.poll();
    budget.cancel();
    context.run();
    kept.release();
    check(budget.used_bytes() == 0, "a released lease leaves nothing behind");
}

void use_errors() {
    auto const error = make_error_code(submitit::errc::engine_closed);
    check(error == submitit::errc::engine_closed, "an error equals the code it was made of");
    check(error.category().name() == std::string{"submitit"}, "the category has a name");
    check(error.message() == "the engine has been destroyed", "and messages");
}

void use_engine() {
    submitit::engine const threads{submitit::engine_options{}.backend(submitit::backend_kind::threads).workers(1)};
    check(threads.backend().chosen == submitit::backend_kind::threads, "the backend is the one asked for");
    submitit::engine const automatic;
    check(automatic.core() != threads.core(), "two engines share nothing");
}

/// An io_uring is a descriptor, so without any it is refused everywhere.
void use_refused_engine() {
    rlimit limit{};
    check(::getrlimit(RLIMIT_NOFILE, &limit) == 0, "the limit can be read");
    rlimit const none{0, limit.rlim_max};
    check(::setrlimit(RLIMIT_NOFILE, &none) == 0, "the limit can be set");
    bool threw = false;
    try {
        submitit::engine const engine{submitit::engine_options{}.backend(submitit::backend_kind::uring)};
    } catch (boost::system::system_error const& error) {
        threw = error.code() == submitit::errc::io_uring_unavailable;
    }
    check(threw, "a refused engine throws a type the host catches");
    check(::setrlimit(RLIMIT_NOFILE, &limit) == 0, "the limit can be restored");
}

}  // namespace

int main() {
    use_errors();
    use_budget();
    use_engine();
    use_refused_engine();
    if (failures == 0) std::puts("all claims hold");
    return failures == 0 ? 0 : 1;
}
