// SPDX-License-Identifier: Apache-2.0
//
// Question: how many random 4 KiB reads a second does one io_context thread get from one file, 64 coroutines reading at once?
// Expected: direct, what the device gives at that depth, as fio's io_uring engine does: a read costs the host some microseconds, the
// device tens. Warm, one processor's worth: a system call and a copy of 4 KiB, some 0.8 us, and as much again for the coroutine.
//
// random_read_bench FILE [--direct] [--seconds S] [--depth N] [--bytes N] [--backend uring|threads]
// Prints one line: operations a second, and the CPU time of the process an operation.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "random_read_load.hpp"
#include "submitit/file_reader.hpp"

namespace {

namespace asio = boost::asio;

asio::awaitable<void> read_until(submitit::file_reader& reader, submitit::perf::load& load, unsigned seed) {
    submitit::perf::lane lane{load, seed};
    while (!load.over()) {
        auto const got = co_await reader.async_read_some_at(lane.next_offset(), lane.buffer(), asio::use_awaitable);
        load.count(got);
    }
}

submitit::backend_kind backend_named(std::string_view name) {
    if (name == "uring") return submitit::backend_kind::uring;
    if (name == "threads") return submitit::backend_kind::threads;
    return submitit::backend_kind::automatic;
}

}  // namespace

int main(int argc, char** argv) {
    submitit::perf::load load{argc, argv};
    submitit::engine_options options;
    options.backend(backend_named(load.backend));
    submitit::engine engine{options};
    asio::io_context context{1};
    submitit::file_reader reader{context, engine};
    reader.open(load.path, load.direct ? submitit::read_flags::direct : submitit::read_flags::none);
    load.file_bytes = reader.size();
    for (unsigned i = 0; i < load.depth; ++i) load.spawn(context, read_until(reader, load, i));
    load.run(context, engine.backend().chosen == submitit::backend_kind::uring ? "submitit uring" : "submitit threads");
}
