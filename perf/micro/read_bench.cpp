// SPDX-License-Identifier: Apache-2.0
//
// Question: how fast are all files of a tree read into memory, warm and cold, by (a) N threads that read what is cached
// themselves, (b) the ring, (c) the thread pool, and (d) a, with the misses going to b or c, as the pipeline does it?
// Expected: warm, a small file costs five system calls, about 5 us: 200,000 files/s a core, so a beats b by the number of cores.
// Cold, a disk that serves 16 readers at once gives 30,000 files/s to whoever keeps 16 or more in flight: b and c tie.
//
// read_bench TREE [--mode cached|uring|threads|cached+uring|cached+threads] [--cold|--cold-data] [--runs N] [--workers N]
//            [--depth N] [--slots N] [--threads N] [--window TICKETS]
// --cold-data drops pages only: what an export finds behind its own walk, which has just looked at every inode.
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/unique_fd.hpp"
#include "io/backend.hpp"

namespace {

using namespace submitit;
using namespace submitit::io;

constexpr std::uint64_t ticket_bytes = std::uint64_t{1} << 20U;
constexpr std::size_t ticket_ops = 512;

struct piece {
    std::string const* path;
    std::uint64_t offset;
    std::uint64_t bytes;
};
using ticket = std::vector<piece>;

struct plan {
    std::vector<std::string> paths;
    std::vector<ticket> tickets;
    std::uint64_t bytes = 0;
};

struct settings {
    std::string tree;
    std::string mode = "uring";
    char const* dropped =
        nullptr;  ///< what is written to drop_caches before a run: "1" pages, "3" inodes and names too
    unsigned runs = 3;
    unsigned workers = std::max(1U, std::thread::hardware_concurrency());
    unsigned window = 16;
    backend_options options;
};

[[noreturn]] void die(std::string const& why) {
    std::fprintf(stderr, "read_bench: %s\n", why.c_str());
    std::exit(2);
}

/// Tickets as the engine makes them: files in name order, 1 MiB or 512 files each, large files in segments.
plan make_plan(std::string const& tree) {
    namespace fs = std::filesystem;
    plan made;
    std::vector<std::pair<std::string, std::uint64_t>> files;
    for (auto const& entry : fs::recursive_directory_iterator{tree}) {
        if (entry.symlink_status().type() != fs::file_type::regular) continue;
        files.emplace_back(entry.path().lexically_relative(tree).string(), entry.file_size());
    }
    std::sort(files.begin(), files.end());
    for (auto const& [path, size] : files) made.paths.push_back(path);
    std::uint64_t filled = ticket_bytes;
    for (std::size_t i = 0; i < files.size(); ++i) {
        std::uint64_t offset = 0;
        do {
            auto const bytes = std::min(files[i].second - offset, ticket_bytes);
            if (filled + bytes > ticket_bytes || made.tickets.back().size() == ticket_ops) {
                made.tickets.emplace_back();
                filled = 0;
            }
            made.tickets.back().push_back({&made.paths[i], offset, bytes});
            filled += bytes;
            offset += bytes;
        } while (offset < files[i].second);
        made.bytes += files[i].second;
    }
    return made;
}

/// A ticket in work: its buffer, its reads, and the count of those that are not finished.
struct lane {
    std::vector<std::byte> buffer = std::vector<std::byte>(ticket_bytes);
    std::vector<read_op> ops;
    std::atomic<std::size_t> unfinished{0};
    std::mutex mutex;
    std::condition_variable changed;
    bool waiting = false;

    void finished() {
        if (--unfinished != 0) return;
        std::lock_guard const lock{mutex};
        waiting = false;
        changed.notify_one();
    }
    void wait() {
        std::unique_lock lock{mutex};
        changed.wait(lock, [this] { return !waiting; });
    }
};

struct tally {
    std::atomic<std::uint64_t> bytes{0};
    std::atomic<std::uint64_t> misses{0};
    std::atomic<std::uint64_t> failures{0};
};

void prepare(lane& at, ticket const& work, int root) {
    at.ops.assign(work.size(), {});
    std::uint64_t filled = 0;
    for (std::size_t i = 0; i < work.size(); ++i) {
        auto& op = at.ops[i];
        op.root_fd = root;
        op.path = *work[i].path;
        op.offset = work[i].offset;
        op.bytes = work[i].bytes;
        op.data = at.buffer.data() + filled;
        filled += work[i].bytes;
        op.context = &at;
        op.done = [](read_op& done) noexcept { static_cast<lane*>(done.context)->finished(); };
    }
}

/// Starts one ticket; what is not read at once is left with `engine` (null: counted as missed).
void start(lane& at, bool cached_first, backend* engine, tally& total) {
    read_op* rest = nullptr;
    std::size_t handed_over = 0;
    for (auto op = at.ops.rbegin(); op != at.ops.rend(); ++op) {
        if (cached_first && try_cached_read(*op)) continue;
        op->next = rest;
        rest = &*op;
        ++handed_over;
    }
    total.misses += handed_over;
    if (handed_over == 0 || engine == nullptr) return;
    at.waiting = true;
    at.unfinished = handed_over;
    engine->submit(rest);
}

void account(lane& at, tally& total) {
    for (auto const& op : at.ops) {
        total.bytes += op.got;
        if (op.error || op.got != op.bytes) ++total.failures;
    }
}

/// Each worker keeps its share of the window in flight and takes the oldest ticket back first.
void work(plan const& all, std::atomic<std::size_t>& next, int root, settings const& how, backend* engine,
          tally& total) {
    bool const cached_first = how.mode.starts_with("cached");
    std::vector<lane> lanes(engine == nullptr ? 1 : std::max(1U, how.window / how.workers));
    for (std::size_t turn = 0;; ++turn) {
        auto& at = lanes[turn % lanes.size()];
        at.wait();
        account(at, total);
        at.ops.clear();
        auto const mine = next++;
        if (mine >= all.tickets.size()) break;
        prepare(at, all.tickets[mine], root);
        start(at, cached_first, engine, total);
    }
    for (auto& at : lanes) {
        at.wait();
        account(at, total);
    }
}

void drop_caches(char const* what) {
    ::sync();
    std::ofstream to{"/proc/sys/vm/drop_caches"};
    if (!(to << what << std::flush)) die("the caches can be dropped by root only");
}

double cpu_seconds() {
    ::rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    auto const seconds = [](::timeval const& t) {
        return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
    };
    return seconds(used.ru_utime) + seconds(used.ru_stime);
}

double run_once(plan const& all, int root, settings const& how) {
    std::unique_ptr<backend> engine;
    if (how.mode != "cached") {
        auto options = how.options;
        auto const kind = parse_backend_kind(std::string_view{how.mode}.substr(how.mode.find('+') + 1));
        if (!kind) die("no such mode");
        options.kind = *kind;
        backend_report report;
        auto selected = select_backend(options, &report);
        if (!selected) die(report.reason);
        engine = std::move(selected->engine);
        if (engine->kind() != *kind) die("another backend than the one asked for");
    }
    if (how.dropped != nullptr) drop_caches(how.dropped);
    tally total;
    std::atomic<std::size_t> next{0};
    auto const cpu_before = cpu_seconds();
    auto const began = std::chrono::steady_clock::now();
    {
        std::vector<std::jthread> workers;
        for (unsigned i = 0; i < how.workers; ++i) {
            workers.emplace_back([&] { work(all, next, root, how, engine.get(), total); });
        }
    }
    auto const took = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    if (how.mode != "cached" && (total.failures != 0 || total.bytes != all.bytes)) die("not every byte was read");
    auto const counted = engine ? engine->counters() : backend_counters{};
    std::printf("%-15s %s %.3f s %8.0f files/s %6.0f MB/s cpu %.2f s missed %llu short %llu retries %llu waits %llu\n",
                how.mode.c_str(),
                how.dropped == nullptr ? "warm"
                : *how.dropped == '1'  ? "cold data"
                                       : "cold",
                took, static_cast<double>(all.paths.size()) / took, static_cast<double>(total.bytes) / took / 1e6,
                cpu_seconds() - cpu_before, static_cast<unsigned long long>(total.misses),
                static_cast<unsigned long long>(counted.short_reads), static_cast<unsigned long long>(counted.retries),
                static_cast<unsigned long long>(counted.descriptor_waits));
    return took;
}

settings parse(int count, char** values) {
    settings how;
    for (int i = 1; i < count; ++i) {
        std::string const name = values[i];
        if (!name.starts_with("--")) {
            how.tree = name;
            continue;
        }
        if (name == "--cold" || name == "--cold-data") {
            how.dropped = name == "--cold" ? "3" : "1";
            continue;
        }
        if (++i == count) die(name + " needs a value");
        auto const number = static_cast<std::uint32_t>(std::strtoul(values[i], nullptr, 10));
        if (name == "--mode") how.mode = values[i];
        else if (name == "--runs") how.runs = number;
        else if (name == "--workers") how.workers = std::max(1U, number);
        else if (name == "--window") how.window = number;
        else if (name == "--depth") how.options.depth = number;
        else if (name == "--slots") how.options.open_slots = number;
        else if (name == "--threads") how.options.threads = number;
        else die("unknown option " + name);
    }
    if (how.tree.empty()) die("which tree?");
    return how;
}

}  // namespace

int main(int count, char** values) {
    auto const how = parse(count, values);
    auto const all = make_plan(how.tree);
    unique_fd const root{::open(how.tree.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (!root) die("cannot open " + how.tree);
    std::printf("%zu files, %.1f MB, %zu tickets; workers %u, window %u, depth %u, slots %u, threads %u\n",
                all.paths.size(), static_cast<double>(all.bytes) / 1e6, all.tickets.size(), how.workers, how.window,
                how.options.depth, how.options.open_slots, how.options.threads);
    std::vector<double> times;
    for (unsigned i = 0; i < how.runs; ++i) times.push_back(run_once(all, root.get(), how));
    if (times.empty()) return 0;
    std::sort(times.begin(), times.end());
    std::printf("median %.3f s, spread %.3f to %.3f s\n", times[times.size() / 2], times.front(), times.back());
}
