// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <mutex>
#include <span>
#include <string>

#include "async/wakeup.hpp"
#include "pipeline/output.hpp"
#include "submitit/detail/export_state.hpp"

namespace submitit::library {

/// An archive's way from its job to a reader, without a buffer between: the job's write() ends when the reader has taken all
/// of it, a read ends when there is something to take.
///
/// Threads: write() as every output; the other members on any thread.
class handover final : public pipeline::output {
public:
    using reader = detail::export_state::read_handler;

    /// `on_abort` is called by abort(), without a lock.
    /// The first `skipped_bytes` are taken by nobody.
    explicit handover(std::function<void()> on_abort, std::uint64_t skipped_bytes = 0)
        : on_abort_{std::move(on_abort)}, skip_{skipped_bytes} {}

    [[nodiscard]] bool seekable() const noexcept override { return false; }
    [[nodiscard]] async::asio::awaitable<result<>> write(std::span<std::byte const> bytes) override;
    [[nodiscard]] result<> overwrite(std::uint64_t, std::span<std::byte const>) override { return from_errno(ESPIPE); }
    [[nodiscard]] result<> cut_back(std::uint64_t) override { return from_errno(ESPIPE); }
    [[nodiscard]] result<> commit() override { return {}; }
    [[nodiscard]] std::string const& path() const noexcept override { return path_; }
    void abort() noexcept override;

    /// `into` stays valid until `on_read` is called or was destroyed. `eof` is the host's: its category is an object of each binary.
    void read(std::span<std::byte> into, error_code eof, reader on_read);
    void cancel_read();
    /// Whether a read does.
    [[nodiscard]] bool waits() {
        std::lock_guard const lock{mutex_};
        return static_cast<bool>(waiting_);
    }

    /// The job has ended: reads get `why` from now on, or eof when that is empty.
    void end(error_code why);

private:
    [[nodiscard]] std::size_t copy(std::span<std::byte> into) noexcept;

    std::string path_;
    std::function<void()> on_abort_;
    std::uint64_t skip_;
    std::mutex mutex_;
    std::span<std::byte const> current_;  // not taken yet, of the write that waits
    std::span<std::byte> waiting_into_;
    error_code waiting_eof_;
    reader waiting_;
    async::wakeup taken_;
    bool aborted_ = false;
    bool ended_ = false;
    error_code why_;
};

}  // namespace submitit::library
