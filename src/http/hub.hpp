// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <chrono>
#include <deque>
#include <functional>
#include <optional>
#include <string>

#include "http/address.hpp"
#include "http/message.hpp"
#include "http/negotiation.hpp"
#include "status/snapshot.hpp"
#include "submitit/detail/status_protocol.hpp"

namespace submitit::http {

/// What a POST may do; one that is not set answers 501. Called on the endpoint's thread, and not to wait there.
struct controls {
    std::function<void()> cancel;
    std::function<void()> pause;
    std::function<void()> resume;
};

struct hub_options {
    address where;  ///< with its port; Host is held against it
    std::string token;
    controls actions;
    detail::status_limits limits;
    std::function<std::chrono::steady_clock::time_point()> now;  ///< default: the clock
    std::function<void(char const*)> on_failure;
};

/// What all connections share: the last sample and its texts, the history of the throughput, who may do what.
class hub : public detail::status_hub {
public:
    hub(hub_options options, std::function<status::snapshot()> source);

    [[nodiscard]] std::unique_ptr<detail::status_dialogue> meet(bool crowded) override;
    void tick() override;
    [[nodiscard]] std::string event(bool last) override;
    void failed(char const* why) noexcept override;
    [[nodiscard]] detail::status_limits const& limits() const noexcept override { return options_.limits; }

    /// The answer to a request; whether it begins a stream is its is_stream.
    [[nodiscard]] response answer(request const& said);

    void stream_began() noexcept { ++streams_; }
    void stream_ended() noexcept { --streams_; }

private:
    struct reading {
        double time_seconds;
        double content_rate;
        double output_rate;
    };
    [[nodiscard]] status::snapshot const& fresh();
    [[nodiscard]] std::string const& json();
    [[nodiscard]] response read(std::string_view path, request const& said);
    [[nodiscard]] response act(std::function<void()> const& action, std::string_view name, request const& said);
    [[nodiscard]] response begin_stream();
    [[nodiscard]] bool has_token(request const& said) const;
    [[nodiscard]] bool may_act() const;
    void remember(status::snapshot const& now);

    hub_options options_;
    std::function<status::snapshot()> source_;
    status::snapshot last_;
    std::optional<std::chrono::steady_clock::time_point> taken_;
    std::string json_;                    ///< of last_; empty until asked for
    std::array<std::string, 2> metrics_;  ///< by format
    std::uint64_t told_ = 0;              ///< sequence of the last event
    unsigned streams_ = 0;
    std::deque<reading> history_;
    unsigned stride_ = 1;  ///< ticks a reading
    unsigned ticks_ = 0;
};

}  // namespace submitit::http
