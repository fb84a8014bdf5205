// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "base/unique_fd.hpp"
#include "publish/sink.hpp"

namespace submitit::publish {

/// A pipe, FIFO, socket, device, or standard output whatever it is: written front to back, nothing to publish. After an
/// error nothing more is written, so a reader never sees a complete archive.
///
/// `stop` is looked at whenever the reader is slow; set, a write fails with errc::cancelled.
class stream_sink final : public sink {
public:
    /// Takes `fd` over when `owned`.
    stream_sink(int fd, bool owned, std::string path, std::atomic<bool> const& stop);
    ~stream_sink() override;

    [[nodiscard]] bool seekable() const noexcept override { return false; }
    [[nodiscard]] result<> write(std::span<std::byte const> bytes) override;
    [[nodiscard]] result<> overwrite(std::uint64_t offset, std::span<std::byte const> bytes) override;
    [[nodiscard]] result<> cut_back(std::uint64_t size) override;
    [[nodiscard]] result<> commit() override;
    [[nodiscard]] std::string const& path() const noexcept override { return path_; }

private:
    [[nodiscard]] result<> wait_writable() const;

    int fd_;
    unique_fd owned_;
    std::string path_;
    std::atomic<bool> const* stop_;
    bool is_pipe_ = false;
    bool may_not_wait_ = true;  // the file takes RWF_NOWAIT
};

}  // namespace submitit::publish
