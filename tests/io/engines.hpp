// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <doctest/doctest.h>

#include <functional>

#include "io/reading.hpp"

namespace submitit::io::testing {

/// The pipeline's way: what is cached is read at once on the submitting thread, the rest goes to a backend.
class cached_first final : public backend {
public:
    explicit cached_first(std::unique_ptr<backend> rest) : rest_{std::move(rest)} {}

    void submit(read_op* first) noexcept override {
        while (first != nullptr) {
            auto& op = *first;
            first = op.next;
            op.next = nullptr;
            if (try_cached_read(op)) op.done(op);
            else rest_->submit(&op);
        }
    }
    [[nodiscard]] backend_kind kind() const noexcept override { return rest_->kind(); }
    [[nodiscard]] backend_counters counters() const noexcept override { return rest_->counters(); }

private:
    std::unique_ptr<backend> rest_;
};

[[nodiscard]] inline std::unique_ptr<backend> make_engine(backend_kind kind, backend_options options = {}) {
    options.kind = kind;
    auto selected = select_backend(options);
    REQUIRE(selected.has_value());
    REQUIRE(selected->engine->kind() == kind);
    return std::move(selected->engine);
}

/// The kinds that this machine can run; threads is always one of them.
[[nodiscard]] inline std::vector<backend_kind> kinds_here() {
    std::vector<backend_kind> kinds{backend_kind::threads};
    if (auto const report = probe(); report.uring_errno == 0) kinds.push_back(backend_kind::uring);
    else MESSAGE("not tested here: " << report.reason);
    return kinds;
}

/// Runs one claim on every backend of this machine.
inline void on_backends(backend_options const& options, std::function<void(backend&)> const& claim) {
    for (auto const kind : kinds_here()) {
        CAPTURE(to_string(kind));
        auto const engine = make_engine(kind, options);
        claim(*engine);
    }
}

/// The same, and once more with the cached path in front of each.
inline void on_every_way(backend_options const& options, std::function<void(backend&)> const& claim) {
    on_backends(options, claim);
    for (auto const kind : kinds_here()) {
        CAPTURE(to_string(kind));
        INFO("the cached path first");
        cached_first engine{make_engine(kind, options)};
        claim(engine);
    }
}

}  // namespace submitit::io::testing
