// SPDX-License-Identifier: Apache-2.0
#include "codec/sample_data.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <random>
#include <string_view>

#include "codec/isal_encoder.hpp"

namespace submitit::codec::test {
namespace {

using rng = std::mt19937_64;

std::size_t below(rng& r, std::size_t n) { return static_cast<std::size_t>(r() % n); }

void append(bytes& to, std::string_view text) {
    for (char const c : text) to.push_back(static_cast<std::byte>(c));
}

/// Words of a made-up language, frequent ones short, as in prose.
std::vector<std::string> vocabulary(rng& r, std::size_t count) {
    std::vector<std::string> words;
    for (std::size_t i = 0; i < count; ++i) {
        std::string w;
        for (std::size_t n = 1 + static_cast<std::size_t>(std::log2(static_cast<double>(i + 2))) / 2 + below(r, 4); n;
             --n) {
            w += "etaoinshrdlucmfwypvbgkqjxz"[std::min(below(r, 26), below(r, 26))];
        }
        words.push_back(w);
    }
    return words;
}

std::string const& pick(rng& r, std::vector<std::string> const& words) {
    double const u = static_cast<double>(r() >> 11) / static_cast<double>(1ULL << 53);
    double const n = static_cast<double>(words.size());
    return words[std::min(words.size() - 1, static_cast<std::size_t>(std::pow(n, u)) - 1)];
}

void text(bytes& to, std::size_t size, rng& r) {
    auto const words = vocabulary(r, 4000);
    while (to.size() < size) append(to, pick(r, words) + (below(r, 12) == 0 ? ".\n" : " "));
}

void source(bytes& to, std::size_t size, rng& r) {
    auto const names = vocabulary(r, 800);
    while (to.size() < size) {
        append(to, "static int " + pick(r, names) + "_" + pick(r, names) + "(struct " + pick(r, names) + " *dev)\n{\n");
        for (std::size_t n = below(r, 12); n; --n) {
            switch (below(r, 3)) {
                case 0: append(to, "\tif (!dev->" + pick(r, names) + ")\n\t\treturn -EINVAL;\n"); break;
                case 1:
                    append(to, "\tdev->" + pick(r, names) + " = " + pick(r, names) + "(dev, 0x" +
                                   std::to_string(below(r, 4096)) + ");\n");
                    break;
                default: append(to, "\t/* " + pick(r, names) + " " + pick(r, names) + " */\n"); break;
            }
        }
        append(to, "\treturn 0;\n}\n\n");
    }
}

void json(bytes& to, std::size_t size, rng& r) {
    auto const names = vocabulary(r, 300);
    append(to, "[\n");
    while (to.size() < size) {
        append(to, "  {\"id\": " + std::to_string(r() % 1000000) + ", \"name\": \"" + pick(r, names) +
                       "\", \"active\": " + (r() & 1 ? "true" : "false") + ", \"score\": 0." +
                       std::to_string(r() % 100000) + "},\n");
    }
}

/// Records with counters, small integers and floats: the look of executables and tables.
void binary(bytes& to, std::size_t size, rng& r) {
    std::uint32_t offset = 0x400000;
    while (to.size() < size) {
        offset += static_cast<std::uint32_t>(below(r, 64)) * 4;
        float const f = static_cast<float>(below(r, 1000)) / 8;
        std::uint16_t const small = static_cast<std::uint16_t>(below(r, 40));
        std::array<std::byte, 12> record{};
        std::memcpy(record.data(), &offset, 4);
        std::memcpy(record.data() + 4, &f, 4);
        std::memcpy(record.data() + 8, &small, 2);
        to.insert(to.end(), record.begin(), record.end());
    }
}

void random(bytes& to, std::size_t size, rng& r) {
    while (to.size() < size) {
        std::uint64_t const word = r();
        std::array<std::byte, 8> piece;
        std::memcpy(piece.data(), &word, 8);
        to.insert(to.end(), piece.begin(), piece.end());
    }
}

void runs(bytes& to, std::size_t size, rng& r) {
    while (to.size() < size) to.insert(to.end(), 1 + below(r, 300), static_cast<std::byte>(r() & 3));
}

void fill(bytes& to, kind k, std::size_t size, rng& r) {
    switch (k) {
        case kind::zeros: to.resize(size); break;
        case kind::random: random(to, size, r); break;
        case kind::text: text(to, size, r); break;
        case kind::source: source(to, size, r); break;
        case kind::json: json(to, size, r); break;
        case kind::binary: binary(to, size, r); break;
        case kind::runs: runs(to, size, r); break;
        case kind::mixed:
            while (to.size() < size) {
                fill(to, static_cast<kind>(below(r, 7)), std::min(size, to.size() + 1 + below(r, 40000)), r);
            }
            break;
    }
    to.resize(size);
}

}  // namespace

char const* name_of(kind k) {
    constexpr std::array names{"zeros", "random", "text", "source", "json", "binary", "runs", "mixed"};
    return names[static_cast<std::size_t>(k)];
}

bytes make(kind k, std::size_t size, std::uint64_t seed) {
    rng r(seed);
    bytes data;
    data.reserve(size + 1024);
    fill(data, k, size, r);
    data.shrink_to_fit();  // so that the sanitizers see a read past the end
    return data;
}

inflated inflate(std::span<std::byte const> stream) {
    z_stream z{};
    inflateInit2(&z, -15);
    inflated result;
    std::array<unsigned char, 30000> out;
    int status = Z_OK;
    std::size_t used = 0;
    while (status == Z_OK) {
        if (z.avail_in == 0 && used < stream.size()) {
            std::size_t const piece = std::min<std::size_t>(stream.size() - used, 10007);
            z.next_in = const_cast<unsigned char*>(reinterpret_cast<unsigned char const*>(stream.data() + used));
            z.avail_in = static_cast<unsigned>(piece);
            used += piece;
        }
        z.next_out = out.data();
        z.avail_out = static_cast<unsigned>(out.size());
        status = ::inflate(&z, Z_NO_FLUSH);
        auto const* from = reinterpret_cast<std::byte const*>(out.data());
        result.data.insert(result.data.end(), from, from + (out.size() - z.avail_out));
        if (status == Z_BUF_ERROR && used < stream.size()) status = Z_OK;
    }
    result.ok = status == Z_STREAM_END && used == stream.size() && z.avail_in == 0;
    inflateEnd(&z);
    return result;
}

bytes zlib_deflate(std::span<std::byte const> in, int level, int strategy, int memory_level) {
    z_stream z{};
    deflateInit2(&z, level, Z_DEFLATED, -15, memory_level, strategy);
    bytes out(deflateBound(&z, in.size()) + 64);
    z.next_in = const_cast<unsigned char*>(reinterpret_cast<unsigned char const*>(in.data()));
    z.avail_in = static_cast<unsigned>(in.size());
    z.next_out = reinterpret_cast<unsigned char*>(out.data());
    z.avail_out = static_cast<unsigned>(out.size());
    ::deflate(&z, Z_FINISH);
    out.resize(z.total_out);
    deflateEnd(&z);
    return out;
}

guarded::guarded(std::size_t size) : size_(size), store_(size + 2 * guard, std::byte{0xA5}) {}

bool guarded::intact() const {
    auto const untouched = [](std::byte b) { return b == std::byte{0xA5}; };
    return std::all_of(store_.begin(), store_.begin() + guard, untouched) &&
           std::all_of(store_.end() - guard, store_.end(), untouched);
}

std::vector<deflate_choice> all_choices() {
    std::vector<deflate_choice> choices;
    for (int level = 1; level <= 12; ++level) choices.push_back({deflate_engine::libdeflate, level});
    if (isal_encoder::available()) {
        for (int level = 0; level <= 3; ++level) choices.push_back({deflate_engine::isal, level});
    }
    return choices;
}

std::string name_of(deflate_choice choice) {
    return (choice.engine == deflate_engine::isal ? "isal " : "libdeflate ") + std::to_string(choice.engine_level);
}

}  // namespace submitit::codec::test
