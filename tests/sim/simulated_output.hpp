// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstring>
#include <optional>
#include <string>

#include "async/wakeup.hpp"
#include "base/errc.hpp"
#include "pipeline/options.hpp"
#include "pipeline/output.hpp"
#include "sim/scheduler.hpp"

namespace submitit::sim {

struct output_terms {
    bool seekable = true;
    unsigned waits_percent = 30;           ///< of the writes
    unsigned stalls_percent = 0;           ///< of those: the consumer takes them when nothing else can move
    std::optional<std::uint64_t> dead_at;  ///< takes nothing beyond so many bytes, and does not say so
    std::optional<std::uint64_t> full_at;  ///< ENOSPC beyond so many bytes
    bool commit_fails = false;
};

/// A consumer that takes its time. Coroutines wait for it.
class consumer {
public:
    explicit consumer(scheduler& on) : on_{&on} {}

    /// Waits until it has taken something, or wake(); a dead one takes nothing.
    [[nodiscard]] async::asio::awaitable<void> take(bool stalls, bool is_dead = false) {
        taken_ = false;
        if (is_dead) {
        } else if (stalls) on_->add_last(place::consumer, [this] { wake(); });
        else on_->add(place::consumer, [this] { wake(); }, on_->below(10));
        while (!taken_) co_await changed_.wait();
    }
    void wake() {
        taken_ = true;
        changed_.notify();
    }

private:
    scheduler* on_;
    bool taken_ = false;
    async::wakeup changed_;
};

/// An output in memory that is slow, full or stalled as its terms say, and counts what should not happen.
class simulated_output final : public pipeline::output {
public:
    simulated_output(scheduler& on, output_terms terms) : on_{&on}, terms_{std::move(terms)}, reader_{on} {}

    [[nodiscard]] bool seekable() const noexcept override { return terms_.seekable; }
    [[nodiscard]] async::asio::awaitable<result<>> write(std::span<std::byte const> piece) override {
        count_call();
        if (aborted_) co_return make_error_code(errc::cancelled);
        if (terms_.full_at && bytes.size() + piece.size() > *terms_.full_at) {
            failed = true;
            co_return from_errno(ENOSPC);
        }
        bool const is_dead = terms_.dead_at && bytes.size() + piece.size() > *terms_.dead_at;
        if (is_dead || on_->chance(terms_.waits_percent)) {
            bool const stalls = on_->chance(terms_.stalls_percent);
            co_await reader_.take(stalls, is_dead);
            if (aborted_) co_return make_error_code(errc::cancelled);
        }
        bytes.append(reinterpret_cast<char const*>(piece.data()), piece.size());
        co_return result<>{};
    }
    [[nodiscard]] result<> overwrite(std::uint64_t offset, std::span<std::byte const> piece) override {
        count_call();
        if (!terms_.seekable || offset + piece.size() > bytes.size()) return from_errno(ESPIPE);
        std::memcpy(bytes.data() + offset, piece.data(), piece.size());
        return {};
    }
    [[nodiscard]] result<> cut_back(std::uint64_t size) override {
        count_call();
        if (!terms_.seekable || size > bytes.size()) return from_errno(ESPIPE);
        bytes.resize(static_cast<std::size_t>(size));
        return {};
    }
    [[nodiscard]] result<> commit() override {
        count_call();
        if (terms_.commit_fails) {
            failed = true;
            return from_errno(EIO);
        }
        ++commits;
        return {};
    }
    [[nodiscard]] std::string const& path() const noexcept override { return path_; }
    void abort() noexcept override {
        aborted_ = true;
        reader_.wake();
    }

    std::string bytes;
    int commits = 0;
    bool failed = false;
    int calls_too_late = 0;  ///< after a failure, or after abort()

private:
    /// What stops the job at this very point comes after the call began.
    void count_call() {
        if (failed || aborted_) ++calls_too_late;
        on_->point();
    }

    scheduler* on_;
    output_terms terms_;
    consumer reader_;
    bool aborted_ = false;
    std::string path_ = "simulated";
};

/// Someone who is told of each ticket, and takes time for it.
class slow_watcher final : public pipeline::observer {
public:
    explicit slow_watcher(scheduler& on) : reader_{on} {}

    [[nodiscard]] async::asio::awaitable<void> analysed(std::uint64_t entries, std::uint64_t) override {
        ++analysed_calls;
        entries_analysed = entries;
        co_return;
    }
    [[nodiscard]] async::asio::awaitable<void> assembled(pipeline::flight const&) override {
        co_await reader_.take(false);
    }

    int analysed_calls = 0;
    std::uint64_t entries_analysed = 0;

private:
    consumer reader_;
};

}  // namespace submitit::sim
