// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "base/result.hpp"
#include "publish/sink.hpp"

namespace submitit::pipeline {

/// Where a job's bytes go: publish::sink's contract for coroutines. One coroutine at a time, on the job's executor.
class output {
public:
    output() = default;
    output(output const&) = delete;
    output& operator=(output const&) = delete;
    virtual ~output() = default;

    /// True when overwrite() and cut_back() work.
    [[nodiscard]] virtual bool seekable() const noexcept = 0;
    /// Appends all of `bytes`, which stay valid until it ends; waits as long as the consumer does.
    [[nodiscard]] virtual boost::asio::awaitable<result<>> write(std::span<std::byte const> bytes) = 0;
    [[nodiscard]] virtual result<> overwrite(std::uint64_t offset, std::span<std::byte const> bytes) = 0;
    [[nodiscard]] virtual result<> cut_back(std::uint64_t size) = 0;
    /// What was written is the finished archive.
    [[nodiscard]] virtual result<> commit() = 0;
    [[nodiscard]] virtual std::string const& path() const noexcept = 0;
    /// True when write() blocks its thread and never suspends.
    [[nodiscard]] virtual bool blocks() const noexcept { return false; }

    /// From any thread: a write that waits, and every later one, fails with errc::cancelled.
    virtual void abort() noexcept = 0;
};

/// A sink that blocks its thread. The sink outlives it.
class blocking_output final : public output {
public:
    explicit blocking_output(publish::sink& to) : sink_{&to} {}

    [[nodiscard]] bool seekable() const noexcept override { return sink_->seekable(); }
    [[nodiscard]] boost::asio::awaitable<result<>> write(std::span<std::byte const> bytes) override {
        co_return sink_->write(bytes);
    }
    [[nodiscard]] result<> overwrite(std::uint64_t offset, std::span<std::byte const> bytes) override {
        return sink_->overwrite(offset, bytes);
    }
    [[nodiscard]] result<> cut_back(std::uint64_t size) override { return sink_->cut_back(size); }
    [[nodiscard]] result<> commit() override { return sink_->commit(); }
    [[nodiscard]] std::string const& path() const noexcept override { return sink_->path(); }
    [[nodiscard]] bool blocks() const noexcept override { return true; }
    void abort() noexcept override {}

private:
    publish::sink* sink_;
};

}  // namespace submitit::pipeline
