// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <doctest/doctest.h>

#include <cstring>
#include <functional>
#include <future>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "base/sizes.hpp"
#include "pipeline/export.hpp"
#include "pipeline/job.hpp"
#include "pipeline/memory_plan.hpp"
#include "publish/sink.hpp"
#include "walk/scratch_tree.hpp"

namespace submitit::pipeline {

/// An output in memory that counts what happens to it and can be told to fail, or to let something happen.
class memory_sink final : public publish::sink {
public:
    explicit memory_sink(bool seekable = true) : seekable_{seekable} {}

    [[nodiscard]] bool seekable() const noexcept override { return seekable_; }
    [[nodiscard]] result<> write(std::span<std::byte const> piece) override {
        ++calls;
        if (failed) ++calls_after_failure;
        if (fail_from && bytes.size() + piece.size() > *fail_from) {
            failed = true;
            return from_errno(ENOSPC);
        }
        bytes.append(reinterpret_cast<char const*>(piece.data()), piece.size());
        if (once_beyond && bytes.size() > once_beyond->first) std::exchange(once_beyond, std::nullopt)->second();
        return {};
    }
    [[nodiscard]] result<> overwrite(std::uint64_t offset, std::span<std::byte const> piece) override {
        if (!seekable_ || offset + piece.size() > bytes.size()) return from_errno(ESPIPE);
        std::memcpy(bytes.data() + offset, piece.data(), piece.size());
        return {};
    }
    [[nodiscard]] result<> cut_back(std::uint64_t size) override {
        if (!seekable_ || size > bytes.size()) return from_errno(ESPIPE);
        bytes.resize(static_cast<std::size_t>(size));
        return {};
    }
    [[nodiscard]] result<> commit() override {
        committed = true;
        return {};
    }
    [[nodiscard]] std::string const& path() const noexcept override { return path_; }

    std::string bytes;
    bool committed = false;
    int calls = 0;
    std::optional<std::uint64_t> fail_from;  ///< ENOSPC beyond so many bytes
    bool failed = false;
    int calls_after_failure = 0;
    /// Runs once, on the assembling thread, when more bytes than this are out.
    std::optional<std::pair<std::uint64_t, std::function<void()>>> once_beyond;

private:
    bool seekable_;
    std::string path_ = "in memory";
};

inline walk::source contents_of(walk::scratch_tree const& tree, std::string_view below = "") {
    std::string const nothing;
    auto const found = walk::resolve_source({.given = tree.path(below), .prefix = &nothing});
    REQUIRE(found.has_value());
    return *found;
}

inline export_options options_for(format kind, walk::source from) {
    export_options options;
    options.sources = {std::move(from)};
    options.format.kind = kind;
    options.format.level = 1;
    options.io.kind = io::backend_kind::threads;
    return options;
}

/// Cancelled before it is started, on an engine of its own.
inline export_report run_cancelled(export_options options, memory_sink& output, live_progress& progress) {
    auto selected = io::select_backend(options.io);
    REQUIRE(selected.has_value());
    std::promise<export_report> ended;
    blocking_output to{output};
    engine on{64 * MiB, 64, std::make_unique<threads_runtime>(std::move(selected->engine), 1, 1)};
    auto const cancelled = std::make_shared<job>(on, std::move(options), to, progress, on.runs_on().writing());
    cancelled->cancel();
    cancelled->start([&ended](export_report report, std::exception_ptr const&) { ended.set_value(std::move(report)); });
    return ended.get_future().get();
}

inline export_report run(export_options options, memory_sink& output) {
    options.format.seekable = output.seekable();
    live_progress progress;
    running_export running{std::move(options), output, progress, {}};
    auto report = running.wait();
    CHECK(running.done());
    CHECK(progress.output_bytes.load() == report.output_bytes);
    return report;
}

/// The least memory this export works with, as it says itself: then one ticket is granted at a time, and read after the
/// one before was written.
inline std::uint64_t least_memory(export_options options) {
    options.memory_bytes = 1;
    memory_sink unused;
    auto const report = run(std::move(options), unused);
    REQUIRE(report.failure.kind == failure_kind::budget);
    return std::stoull(report.failure.detail);
}

inline std::vector<std::string> told(export_report const& report) {
    std::vector<std::string> all;
    for (auto const& one : report.first_notices) all.push_back(std::string{to_string(one.kind)} + ' ' + one.path);
    return all;
}

}  // namespace submitit::pipeline
