// SPDX-License-Identifier: Apache-2.0
//
// random_read_bench with boost::asio::random_access_file in the place of submitit::file_reader. Such a file has one read in flight,
// whatever its callers start, so --objects N opens the file N times and spreads the coroutines over them.
//
// random_read_asio FILE [--direct] [--seconds S] [--depth N] [--bytes N] [--objects N]
#include <fcntl.h>

#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/random_access_file.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "random_read_load.hpp"

namespace {

namespace asio = boost::asio;

asio::awaitable<void> read_until(asio::random_access_file& file, submitit::perf::load& load, unsigned seed) {
    submitit::perf::lane lane{load, seed};
    while (!load.over()) {
        auto const got = co_await file.async_read_some_at(lane.next_offset(), lane.buffer(), asio::use_awaitable);
        load.count(got);
    }
}

asio::random_access_file opened(asio::io_context& context, submitit::perf::load const& load) {
    asio::random_access_file file{context, load.path, asio::file_base::read_only};
    if (load.direct) ::fcntl(file.native_handle(), F_SETFL, O_DIRECT);
    return file;
}

}  // namespace

int main(int argc, char** argv) {
    submitit::perf::load load{argc, argv};
    asio::io_context context{1};
    std::vector<asio::random_access_file> files;
    for (unsigned i = 0; i < load.objects; ++i) files.push_back(opened(context, load));
    load.file_bytes = files.front().size();
    for (unsigned i = 0; i < load.depth; ++i) load.spawn(context, read_until(files[i % load.objects], load, i));
    load.run(context, "asio");
}
