// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <doctest/doctest.h>

#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <vector>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>

#include "io/scratch.hpp"
#include "submitit/error.hpp"
#include "submitit/file_reader.hpp"

namespace submitit::testing {

namespace asio = boost::asio;
using boost::system::error_code;

/// More than is ever copied inside the initiating call: such a read is the backend's.
inline constexpr std::size_t large = std::size_t{256} << 10U;

/// What a callback was told.
struct outcome {
    std::optional<error_code> error;
    std::size_t bytes = 0;

    auto callback() {
        return [this](error_code told, std::size_t got) {
            error = told;
            bytes = got;
        };
    }
    [[nodiscard]] bool succeeded(std::size_t with) const { return error && !*error && bytes == with; }
};

/// A file of known content, an engine and a context.
struct reading {
    explicit reading(backend_kind kind, std::size_t file_bytes = std::size_t{4} << 20U)
        : content{io::testing::pattern(file_bytes, 7)} {
        place.put("file", content);
        engine.emplace(engine_options{}.backend(kind));
        context.emplace();
    }

    [[nodiscard]] std::string path(char const* name) const {
        return "/proc/self/fd/" + std::to_string(place.fd()) + "/" + name;
    }
    [[nodiscard]] file_reader opened() {
        file_reader reader{*context, *engine};
        reader.open(path("file"));
        return reader;
    }
    [[nodiscard]] bool holds(std::span<std::byte const> got, std::uint64_t offset) const {
        return offset + got.size() <= content.size() &&
               std::equal(got.begin(), got.end(), content.begin() + static_cast<std::ptrdiff_t>(offset));
    }
    void run() {
        context->restart();
        context->run();
    }

    io::testing::scratch place;
    io::testing::bytes content;
    std::optional<submitit::engine> engine;
    std::optional<asio::io_context> context;
};

/// One read to be: where, into what, and how it went.
struct one_read {
    one_read(std::uint64_t at, std::size_t count) : offset{at}, data(count) {}

    void start(file_reader& from) { from.async_read_some_at(offset, asio::buffer(data), result.callback()); }
    [[nodiscard]] bool right(reading const& of) const {
        return result.succeeded(data.size()) && of.holds(data, offset);
    }

    std::uint64_t offset;
    std::vector<std::byte> data;
    outcome result;
};

[[nodiscard]] inline std::vector<one_read> random_reads(std::size_t count, std::size_t bytes, std::size_t file_bytes) {
    std::mt19937 random{7};
    std::vector<one_read> reads;
    for (std::size_t i = 0; i < count; ++i) reads.emplace_back(random() % (file_bytes - bytes), bytes);
    return reads;
}

/// Runs one claim on every backend of this machine.
inline void on_backends(std::function<void(backend_kind)> const& claim) {
    claim(backend_kind::threads);
    try {
        engine const probe{engine_options{}.backend(backend_kind::uring)};
    } catch (boost::system::system_error const& refused) {
        MESSAGE("not tested here: " << refused.what());
        return;
    }
    INFO("uring");
    claim(backend_kind::uring);
}

}  // namespace submitit::testing
