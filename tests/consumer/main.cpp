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
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include "submitit/engine.hpp"
#include "submitit/error.hpp"
#include "submitit/export_job.hpp"
#include "submitit/file_reader.hpp"
#include "submitit/format.hpp"
#include "submitit/memory_budget.hpp"
#include "submitit/status_endpoint.hpp"

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

/// Exports this program's own file, and reads it beside.
asio::awaitable<void> read_export(submitit::engine& engine, std::string self) {
    auto const executor = co_await asio::this_coro::executor;
    submitit::export_job job{executor, engine};
    job.source(self).format(submitit::format::tar);
    std::string piece(100'000, '\0');
    auto const into = asio::buffer(piece);
    auto const token = asio::as_tuple(asio::use_awaitable);
    std::uint64_t bytes = 0;
    boost::system::error_code end;
    while (!end) {
        auto const [error, got] = co_await job.async_read_some(into, token);
        bytes += got;
        end = error;
    }
    check(end == asio::error::eof, "an archive ends with the host's own eof");
    submitit::file_reader reader{executor, engine};
    reader.open(self);
    check(bytes > reader.size() && bytes < reader.size() + 20'480, "a tar is a little longer than its file");
    auto const at_end = reader.size();
    auto const [error, got] = co_await reader.async_read_some_at(at_end, into, token);
    check(error == asio::error::eof && got == 0, "so does a file");
}

asio::awaitable<void> fail_to_export(submitit::engine& engine) {
    submitit::export_job job{co_await asio::this_coro::executor, engine};
    auto const token = asio::as_tuple(asio::use_awaitable);
    submitit::file_target target{"/nowhere/at/all.zip"};
    auto const [error, report] = co_await job.async_run_to(std::move(target), token);
    check(error == submitit::errc::nothing_to_store, "an export of nothing fails with submitit's own error");
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

void use_exports(std::string const& self) {
    asio::io_context context;
    submitit::engine engine{submitit::engine_options{}.memory(64U << 20U)};
    asio::co_spawn(context, read_export(engine, self), rethrow);
    asio::co_spawn(context, fail_to_export(engine), rethrow);
    context.run();
}

void serve_status() {
    asio::io_context context;
    submitit::engine const engine{submitit::engine_options{}.backend(submitit::backend_kind::threads).workers(1)};
    submitit::status_endpoint endpoint{context, engine};
    endpoint.listen(":0");
    check(endpoint.address().starts_with("127.0.0.1:"), "an endpoint listens on loopback");
    boost::system::error_code error;
    endpoint.listen(":0", error);
    check(error == boost::system::errc::connection_already_in_progress, "and only once");
    asio::post(context, [&endpoint] { endpoint.stop(); });
    context.run();
    check(endpoint.address().empty(), "until it is stopped");
}

int main(int, char** arguments) {
    use_errors();
    use_budget();
    use_engine();
    use_exports(arguments[0]);
    serve_status();
    use_refused_engine();
    if (failures == 0) std::puts("all claims hold");
    return failures == 0 ? 0 : 1;
}
