// SPDX-License-Identifier: Apache-2.0
// embed_minimal DIRECTORY FILE.zip: the least a program needs to export a directory.
#include <cstdio>
#include <exception>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include "submitit/export_job.hpp"

namespace asio = boost::asio;

asio::awaitable<submitit::export_report> export_directory(submitit::engine& engine, char const* from, char const* to) {
    submitit::export_job job{co_await asio::this_coro::executor, engine};
    job.source(from).format(submitit::format::zip);
    submitit::file_target file{to};  // named before it is awaited: g++ 12 destroys temporaries there twice
    co_return co_await job.async_run_to(file, asio::use_awaitable);
}

int main(int argc, char** argv) try {
    if (argc != 3) return std::fputs("usage: embed_minimal DIRECTORY FILE.zip\n", stderr), 2;
    submitit::engine engine{submitit::engine_options{}.memory(64U << 20U)};
    asio::io_context context;
    auto done = asio::co_spawn(context, export_directory(engine, argv[1], argv[2]), asio::use_future);
    context.run();
    auto const report = done.get();
    std::printf("%llu files, %llu warnings\n", static_cast<unsigned long long>(report.files),
                static_cast<unsigned long long>(report.warnings()));
} catch (std::exception const& error) {
    return std::fprintf(stderr, "%s\n", error.what()), 1;
}
