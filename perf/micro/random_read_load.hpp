// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/resource.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <string_view>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

/// What the programs that read at random have in common: arguments, clock, counts and the line they print.
namespace submitit::perf {

class load {
public:
    load(int argc, char** argv) {
        for (int i = 1; i < argc; ++i) {
            std::string_view const word{argv[i]};
            if (word == "--direct") direct = true;
            else if (!word.starts_with("--")) path = word;
            else if (i + 1 == argc) die("a value is missing");
            else option(word, argv[++i]);
        }
        if (path.empty() || depth == 0 || bytes == 0) die("FILE [--direct] [--seconds S] [--depth N] [--bytes N] ...");
    }

    template <class Coroutine>
    void spawn(boost::asio::io_context& context, Coroutine reading) {
        boost::asio::co_spawn(context, std::move(reading), [](std::exception_ptr const& thrown) {
            if (thrown) std::rethrow_exception(thrown);
        });
    }

    /// Runs the coroutines for the time asked and prints what they did.
    void run(boost::asio::io_context& context, char const* name) {
        if (file_bytes < bytes) die("the file is too small");
        auto const cpu_before = cpu_seconds();
        began_ = clock::now();
        context.run();
        auto const took = std::chrono::duration<double>(ended_ - began_).count();
        auto const cpu = cpu_seconds() - cpu_before;
        std::printf("%s iops %.0f cpu_us %.3f\n", name, static_cast<double>(reads_) / took,
                    cpu / static_cast<double>(reads_) * 1e6);
    }

    /// Asked before each read; looks at the clock now and then.
    [[nodiscard]] bool over() noexcept {
        if (!over_ && ++asked_ % 256 == 0) {
            ended_ = clock::now();
            over_ = std::chrono::duration<double>(ended_ - began_).count() >= seconds;
        }
        return over_;
    }
    void count(std::size_t got) noexcept {
        if (got != bytes) die("a short read");
        if (!over_) ++reads_;
    }

    std::string path;
    std::string backend;
    bool direct = false;
    double seconds = 2;
    unsigned depth = 64;
    std::size_t bytes = 4096;
    unsigned objects = 1;  ///< how many the depth is spread over, where the program knows such
    std::uint64_t file_bytes = 0;

private:
    using clock = std::chrono::steady_clock;

    [[noreturn]] static void die(char const* why) {
        std::fprintf(stderr, "random read: %s\n", why);
        std::exit(2);
    }

    void option(std::string_view name, char const* value) {
        auto const number = static_cast<unsigned>(std::strtoul(value, nullptr, 10));
        if (name == "--seconds") seconds = std::strtod(value, nullptr);
        else if (name == "--depth") depth = number;
        else if (name == "--bytes") bytes = number;
        else if (name == "--objects") objects = number;
        else if (name == "--backend") backend = value;
        else die("no such option");
    }

    static double cpu_seconds() {
        ::rusage used{};
        ::getrusage(RUSAGE_SELF, &used);
        auto const seconds = [](::timeval const& t) {
            return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
        };
        return seconds(used.ru_utime) + seconds(used.ru_stime);
    }

    clock::time_point began_;
    clock::time_point ended_;
    std::uint64_t asked_ = 0;
    std::uint64_t reads_ = 0;
    bool over_ = false;
};

/// One coroutine's own: its buffer and its random numbers.
class lane {
public:
    lane(load const& of, unsigned seed)
        : random_{seed},
          blocks_{of.file_bytes / of.bytes},
          bytes_{of.bytes},
          memory_{static_cast<std::byte*>(std::aligned_alloc(4096, (of.bytes + 4095) / 4096 * 4096)), &std::free} {}

    [[nodiscard]] std::uint64_t next_offset() { return random_() % blocks_ * bytes_; }
    [[nodiscard]] boost::asio::mutable_buffer buffer() const { return {memory_.get(), bytes_}; }

private:
    std::mt19937_64 random_;
    std::uint64_t blocks_;
    std::size_t bytes_;
    std::unique_ptr<std::byte, void (*)(void*)> memory_;
};

}  // namespace submitit::perf
