// SPDX-License-Identifier: Apache-2.0
//
// Question: how fast could this machine turn a tree into compressed bytes if nothing had to be in order, named or bounded?
// Expected: the codec's speed times the cores, or the device's speed where that is lower; so the engine, which does keep order,
// names and a budget, should come within 3 % of it.
//
// The work list is built first and its time counts. Then threads take the next unit (a file, or `--unit` bytes of all files laid end
// to end), read it, compress it and write at an offset from one atomic counter, 1 MiB or more at a time.
#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <memory>
#include <semaphore>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "base/unique_fd.hpp"
#include "ceiling_codec.hpp"
#include "ceiling_list.hpp"

namespace submitit::perf {
namespace {

struct settings {
    std::string tree;
    std::string output;
    std::string codec = "none";
    std::uint64_t unit_bytes = 0;
    unsigned threads = std::thread::hardware_concurrency();  ///< at most so many compress at a time
    unsigned readers = 0;                                    ///< at most so many read at a time; 0: as many as threads
};

/// What all threads share.
struct shared_state {
    work_list const& list;
    std::vector<std::vector<piece>> const& units;
    int output_fd;
    std::counting_semaphore<> compressing;
    std::atomic<std::size_t> next_unit{0};
    std::atomic<std::uint64_t> output_offset{0};
    std::atomic<std::uint64_t> input_bytes{0};
};

/// The output of one thread, written out whenever 1 MiB has come together.
class out_buffer {
public:
    explicit out_buffer(shared_state& shared) : shared_{shared} {}

    /// Room for `bytes` more; valid until the next call.
    std::span<std::byte> room(std::size_t bytes) {
        if (used_ >= flush_bytes) flush();
        if (bytes_.size() < used_ + bytes) bytes_.resize(used_ + bytes);
        return std::span{bytes_}.subspan(used_, bytes);
    }
    void add(std::size_t bytes) { used_ += bytes; }

    void flush() {
        std::uint64_t const at = shared_.output_offset.fetch_add(used_);
        for (std::size_t done = 0; done < used_;) {
            ssize_t const n =
                ::pwrite(shared_.output_fd, bytes_.data() + done, used_ - done, static_cast<off_t>(at + done));
            if (n <= 0) fail("pwrite");
            done += static_cast<std::size_t>(n);
        }
        used_ = 0;
    }

private:
    static constexpr std::size_t flush_bytes = 1U << 20U;
    shared_state& shared_;
    std::vector<std::byte> bytes_;
    std::size_t used_ = 0;
};

/// Appends the piece's bytes to `in` at `used`; gives the new count. A file that shrank gives fewer.
std::size_t read_piece(work_list const& list, piece const& part, std::span<std::byte> in, std::size_t used) {
    file_ref const& file = list.files[part.file];
    unique_fd const fd{
        ::openat(list.directories[file.directory], list.names.data() + file.name_at, O_RDONLY | O_CLOEXEC)};
    if (!fd) fail(list.names.data() + file.name_at);
    for (std::uint64_t at = part.begin; at < part.end;) {
        ssize_t const n = ::pread(fd.get(), in.data() + used, part.end - at, static_cast<off_t>(at));
        if (n < 0) fail("pread");
        if (n == 0) break;
        at += static_cast<std::uint64_t>(n);
        used += static_cast<std::size_t>(n);
    }
    return used;
}

std::size_t read_unit(work_list const& list, std::vector<piece> const& unit, std::vector<std::byte>& in) {
    std::size_t wanted = 0;
    for (piece const& part : unit) wanted += part.end - part.begin;
    if (in.size() < wanted) in.resize(wanted);
    std::size_t used = 0;
    for (piece const& part : unit) used = read_piece(list, part, in, used);
    return used;
}

void work(shared_state& shared, ceiling_codec& codec) {
    std::vector<std::byte> in;
    out_buffer out{shared};
    std::uint64_t total = 0;
    for (;;) {
        std::size_t const index = shared.next_unit.fetch_add(1);
        if (index >= shared.units.size()) break;
        std::size_t const size = read_unit(shared.list, shared.units[index], in);
        total += size;
        shared.compressing.acquire();
        auto const space = out.room(codec.bound(size));
        std::size_t const made = codec.encode(std::span{in}.first(size), space);
        if (made == 0 && size != 0) fail("encode");
        out.add(made);
        shared.compressing.release();
    }
    out.flush();
    shared.input_bytes += total;
}

double seconds_since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

int run(settings const& chosen) {
    auto const start = std::chrono::steady_clock::now();
    work_list const list = list_tree(chosen.tree.c_str());
    auto const units = cut(list, chosen.unit_bytes);
    double const listed = seconds_since(start);

    unique_fd const output{::open(chosen.output.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)};
    if (!output) fail(chosen.output.c_str());
    shared_state shared{list, units, output.get(), std::counting_semaphore<>{chosen.threads}};
    unsigned const loops = std::max(chosen.threads, chosen.readers);
    std::vector<std::unique_ptr<ceiling_codec>> codecs;
    codecs.reserve(loops);
    for (unsigned i = 0; i < loops; ++i) codecs.push_back(make_ceiling_codec(chosen.codec));
    std::vector<std::jthread> threads;
    threads.reserve(loops);
    for (auto const& codec : codecs) threads.emplace_back([&shared, &codec] { work(shared, *codec); });
    threads.clear();  // joins

    std::uint32_t checksums = 0;
    for (auto const& codec : codecs) checksums ^= codec->checksums();
    std::printf(
        R"({"files": %zu, "bytes_in": %llu, "bytes_out": %llu, "checksums": %u, "list_seconds": %.3f, "seconds": %.3f})"
        "\n",
        list.files.size(), static_cast<unsigned long long>(shared.input_bytes.load()),
        static_cast<unsigned long long>(shared.output_offset.load()), checksums, listed, seconds_since(start));
    return 0;
}

}  // namespace
}  // namespace submitit::perf

int main(int argc, char** argv) {
    submitit::perf::settings chosen;
    CLI::App app{
        "The speed that an export could reach at most: read, compress, write; no order, no names, no memory bound."};
    app.add_option("tree", chosen.tree, "directory to read")->required()->check(CLI::ExistingDirectory);
    app.add_option("output", chosen.output, "file to write, replaced")->required();
    app.add_option("--codec", chosen.codec, "none, store, isal-N, libdeflate-N or zstd-N")
        ->check([](std::string const& name) {
            return submitit::perf::make_ceiling_codec(name) ? std::string{} : "unknown codec " + name;
        });
    app.add_option("--unit", chosen.unit_bytes,
                   "compress so many bytes at a time, across files; 0: each file by itself")
        ->transform(CLI::AsSizeValue(false));
    app.add_option("--threads", chosen.threads, "how many compress at a time")->check(CLI::PositiveNumber);
    app.add_option("--readers", chosen.readers, "how many read at a time, for a cold cache");
    CLI11_PARSE(app, argc, argv);
    return submitit::perf::run(chosen);
}
