// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "async/wakeup.hpp"
#include "pipeline/output.hpp"
#include "publish/file_sink.hpp"

namespace submitit::library {

/// A file that is opened where blocking is allowed.
class file_output final : public pipeline::output {
public:
    explicit file_output(std::function<void()> on_abort) : on_abort_{std::move(on_abort)} {}

    [[nodiscard]] result<> open(publish::file_options options) {
        auto opened = publish::file_sink::open(std::move(options));
        if (!opened) return opened.error();
        sink_ = std::move(*opened);
        path_ = sink_->path();
        return {};
    }
    [[nodiscard]] publish::file_sink const& sink() const noexcept { return *sink_; }
    /// Removes what is not published.
    void close() { sink_.reset(); }

    [[nodiscard]] bool seekable() const noexcept override { return true; }
    [[nodiscard]] async::asio::awaitable<result<>> write(std::span<std::byte const> bytes) override {
        co_return sink_->write(bytes);
    }
    [[nodiscard]] result<> overwrite(std::uint64_t offset, std::span<std::byte const> bytes) override {
        return sink_->overwrite(offset, bytes);
    }
    [[nodiscard]] result<> cut_back(std::uint64_t size) override { return sink_->cut_back(size); }
    [[nodiscard]] result<> commit() override { return sink_->commit(); }
    [[nodiscard]] std::string const& path() const noexcept override { return path_; }
    [[nodiscard]] bool blocks() const noexcept override { return true; }
    void abort() noexcept override { on_abort_(); }

private:
    std::function<void()> on_abort_;
    std::unique_ptr<publish::file_sink> sink_;
    std::string path_;
};

/// Nothing is kept of what is written: the archive is only measured.
class measuring_output final : public pipeline::output {
public:
    explicit measuring_output(std::function<void()> on_abort) : on_abort_{std::move(on_abort)} {}

    [[nodiscard]] bool seekable() const noexcept override { return true; }
    [[nodiscard]] async::asio::awaitable<result<>> write(std::span<std::byte const>) override { co_return result<>{}; }
    [[nodiscard]] result<> overwrite(std::uint64_t, std::span<std::byte const>) override { return {}; }
    [[nodiscard]] result<> cut_back(std::uint64_t) override { return {}; }
    [[nodiscard]] result<> commit() override { return {}; }
    [[nodiscard]] std::string const& path() const noexcept override { return path_; }
    void abort() noexcept override { on_abort_(); }

private:
    std::function<void()> on_abort_;
    std::string path_;
};

}  // namespace submitit::library
