// SPDX-License-Identifier: Apache-2.0
#include <cerrno>
#include <future>
#include <new>
#include <optional>
#include <system_error>
#include <thread>

#include "io/signals_blocked.hpp"
#include "io/uring/loop.hpp"
#include "io/uring/uring.hpp"

namespace submitit::io::uring {
namespace {

class uring_backend final : public backend {
public:
    [[nodiscard]] result<> start(backend_options const& options) {
        if (auto const opened = inbox_.open(); !opened) return opened.error();
        std::promise<error_code> ring_opened;
        auto outcome = ring_opened.get_future();
        try {
            signals_blocked const blocked;
            thread_ = std::thread{[this, limits = loop_limits{options}, &ring_opened] { serve(limits, ring_opened); }};
        } catch (std::system_error const& refused) {
            return from_errno(refused.code().value());
        }
        if (auto const error = outcome.get()) return error;
        return {};
    }

    ~uring_backend() override {
        if (!thread_.joinable()) return;
        inbox_.close();
        thread_.join();
    }

    void submit(read_op* first) noexcept override { inbox_.put(first); }
    [[nodiscard]] backend_kind kind() const noexcept override { return backend_kind::uring; }
    [[nodiscard]] backend_counters counters() const noexcept override { return counters_.snapshot(); }
    void tell(status::io_figures& into) const override { counters_.tell(into); }

private:
    void serve(loop_limits limits, std::promise<error_code>& ring_opened) {
        ring own;
        std::optional<loop> runs;
        auto const error = prepare(own, runs, limits);
        ring_opened.set_value(error);
        if (!error) runs->run();
    }

    [[nodiscard]] error_code prepare(ring& own, std::optional<loop>& runs, loop_limits limits) noexcept {
        if (auto const opened = own.open(limits.ring_entries()); !opened) return opened.error();
        try {
            runs.emplace(own, inbox_, counters_, limits);
        } catch (std::bad_alloc const&) {
            return from_errno(ENOMEM);
        }
        return {};
    }

    inbox inbox_;
    live_counters counters_;
    std::thread thread_;
};

}  // namespace

result<std::unique_ptr<backend>> start(backend_options const& options) {
    auto made = std::make_unique<uring_backend>();
    if (auto const started = made->start(options); !started) return started.error();
    return std::unique_ptr<backend>{std::move(made)};
}

}  // namespace submitit::io::uring
