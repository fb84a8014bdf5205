// SPDX-License-Identifier: Apache-2.0
//
// Question: which encoder is fastest at the size that users of a deflate level expect, for single entries and for 1 MiB
// segments, and what does joining cost? Expected from the libraries' own figures: ISA-L about 3 times libdeflate 1,
// which is twice zlib 1; joining reads the output once at several hundred MB/s, so below 10 % from level 3 on.
//
//   codec_bench PATH [EVERY [PARTS]]
//
// PATH: a tree, whose files are the entries and, one after another, the segments; or one file. EVERY: take one file (or
// segment) in that many. PARTS: of "esf", entries, segments, zstd frames. Times are CPU time of this thread, so other
// load matters little; each figure is one pass, so repeat runs for the spread.

#include <libdeflate.h>
#include <time.h>
#include <zlib.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "codec/compressible.hpp"
#include "codec/deflate.hpp"
#include "codec/isal_encoder.hpp"
#include "codec/zstd.hpp"

namespace {

using namespace submitit::codec;
namespace fs = std::filesystem;

constexpr std::size_t segment_bytes = 1 << 20;
constexpr std::size_t frame_bytes = 4 << 20;

struct input {
    std::vector<std::byte> data;
    std::vector<std::size_t> ends;  // of the entries
    std::size_t every = 1;
};

double cpu_seconds() {
    timespec t{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

void append_file(input& in, fs::path const& path) {
    std::ifstream file(path, std::ios::binary);
    std::size_t const size = fs::file_size(path);
    std::size_t const at = in.data.size();
    in.data.resize(at + size);
    file.read(reinterpret_cast<char*>(in.data.data() + at), static_cast<std::streamsize>(size));
    in.ends.push_back(in.data.size());
}

input load(fs::path const& path) {
    input in;
    std::vector<fs::path> files;
    if (fs::is_directory(path)) {
        for (auto const& e : fs::recursive_directory_iterator(path)) {
            if (e.is_regular_file() && !e.is_symlink()) files.push_back(e.path());
        }
        std::sort(files.begin(), files.end());
    } else {
        files.push_back(path);
    }
    for (auto const& f : files) append_file(in, f);
    return in;
}

using pieces = std::vector<std::span<std::byte const>>;

pieces entries_of(input const& in) {
    pieces all;
    std::size_t begin = 0;
    for (std::size_t i = 0; i < in.ends.size(); begin = in.ends[i++]) {
        if (i % in.every == 0 && in.ends[i] != begin)
            all.push_back(std::span(in.data).subspan(begin, in.ends[i] - begin));
    }
    return all;
}

pieces cut(input const& in, std::size_t bytes) {
    pieces all;
    std::span<std::byte const> rest(in.data);
    for (std::size_t i = 0; !rest.empty(); ++i) {
        std::size_t const n = std::min(rest.size(), bytes);
        if (i % in.every == 0) all.push_back(rest.first(n));
        rest = rest.subspan(n);
    }
    return all;
}

using encode = std::function<std::size_t(std::span<std::byte const>, std::span<std::byte>)>;

void measure(std::string const& what, pieces const& input, encode const& one) {
    std::size_t most = 0;
    std::size_t total = 0;
    for (auto const& p : input) most = std::max(most, p.size()), total += p.size();
    std::vector<std::byte> out(std::max(deflate_encoder::bound(most), zstd_encoder::bound(most)) + 1024);
    std::size_t written = 0;
    double const start = cpu_seconds();
    for (auto const& p : input) written += one(p, out);
    double const seconds = cpu_seconds() - start;
    std::printf("%-34s %8.1f MB/s  %12zu bytes  ratio %.4f\n", what.c_str(), static_cast<double>(total) / 1e6 / seconds,
                written, static_cast<double>(written) / static_cast<double>(total));
    std::fflush(stdout);
}

struct named_choice {
    deflate_choice choice;
    std::string name;
};

std::vector<named_choice> choices() {
    std::vector<named_choice> all;
    for (int level = 0; level <= 3 && isal_encoder::available(); ++level) {
        all.push_back({{deflate_engine::isal, level}, "isal " + std::to_string(level)});
    }
    for (int level = 1; level <= 10; ++level) {
        all.push_back({{deflate_engine::libdeflate, level}, "libdeflate " + std::to_string(level)});
    }
    return all;
}

std::size_t zlib_deflate(int level, std::span<std::byte const> in, std::span<std::byte> out) {
    z_stream z{};
    deflateInit2(&z, level, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY);
    z.next_in = const_cast<unsigned char*>(reinterpret_cast<unsigned char const*>(in.data()));
    z.avail_in = static_cast<unsigned>(in.size());
    z.next_out = reinterpret_cast<unsigned char*>(out.data());
    z.avail_out = static_cast<unsigned>(out.size());
    deflate(&z, Z_FINISH);
    deflateEnd(&z);
    return z.total_out;
}

void bench_entries(input const& in) {
    pieces const entries = entries_of(in);
    measure("entries: looks_compressible", entries, [&](auto p, auto) { return looks_compressible(p) ? p.size() : 0; });
    for (auto const& c : choices()) {
        deflate_encoder encoder(c.choice);
        measure("entries: " + c.name, entries, [&](auto p, auto out) { return encoder.compress(p, out); });
    }
    for (int const level : {1, 2, 3, 4, 5, 6, 7, 8, 9}) {
        measure("entries: zlib " + std::to_string(level), entries,
                [&](auto p, auto out) { return zlib_deflate(level, p, out); });
    }
}

/// What joining adds to a compressor's time.
void measure_joining(std::string const& what, pieces const& input, deflate_encoder& encoder) {
    std::vector<std::byte> out(deflate_encoder::bound(segment_bytes) + 16);
    double compressing = 0;
    double joining = 0;
    for (auto const& p : input) {
        double const start = cpu_seconds();
        std::size_t const n = encoder.compress(p, out);
        double const middle = cpu_seconds();
        if (make_joinable(out, n) == 0) std::abort();
        joining += cpu_seconds() - middle;
        compressing += middle - start;
    }
    std::printf("%-34s %+8.1f %%\n", what.c_str(), 100 * joining / compressing);
}

void bench_segments(input const& in) {
    pieces const segments = cut(in, segment_bytes);
    for (auto const& c : choices()) {
        deflate_encoder encoder(c.choice);
        measure("segments: " + c.name, segments, [&](auto p, auto out) { return encoder.compress_segment(p, out); });
        if (c.choice.engine == deflate_engine::libdeflate) {
            measure_joining("segments: " + c.name + ", joining", segments, encoder);
        }
    }
}

void bench_frames(input const& in) {
    pieces const frames = cut(in, frame_bytes);
    for (int const level : {1, 2, 3, 4, 5, 6, 7, 9, 12}) {
        zstd_encoder encoder(level, frame_bytes);
        measure("frames of 4 MiB: zstd " + std::to_string(level), frames,
                [&](auto p, auto out) { return encoder.frame(p, out); });
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) {
        std::fprintf(stderr, "usage: codec_bench PATH [EVERY [PARTS]]\n");
        return 2;
    }
    input in = load(argv[1]);
    if (argc > 2) in.every = std::max<std::size_t>(1, std::strtoul(argv[2], nullptr, 10));
    std::string const parts = argc > 3 ? argv[3] : "esf";
    if (parts.find('e') != std::string::npos) bench_entries(in);
    if (parts.find('s') != std::string::npos) bench_segments(in);
    if (parts.find('f') != std::string::npos) bench_frames(in);
    return 0;
}
