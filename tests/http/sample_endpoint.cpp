// SPDX-License-Identifier: Apache-2.0
// An endpoint over the sample snapshot, for looking at the page: says its address, ends with its standard input.
//   sample_endpoint [still|moving] [ADDRESS]
#include <unistd.h>

#include <array>
#include <cmath>
#include <cstdio>
#include <string_view>

#include "http/own_thread.hpp"
#include "http/sample_snapshot.hpp"

namespace {

using submitit::status::snapshot;

/// Each call is a second later, as an export that breathes.
class moving {
public:
    snapshot operator()() {
        auto now = submitit::testing::sample_snapshot();
        auto const t = ++calls_;
        now.sequence += static_cast<std::uint64_t>(t);
        now.time_seconds += t;
        for (auto& job : now.jobs) {
            if (job.bytes_per_second == 0) continue;
            auto const swing =
                1 + 0.25 * std::sin(t / 9.0) + 0.12 * std::sin(t / 2.3) - (std::fmod(t, 40) > 34 ? 0.5 : 0);
            job.bytes_per_second *= swing;
            job.output_bytes_per_second *= swing * 0.97;
            constexpr std::array busy{0.05, 0.0, 0.55, 0.0, 1.93, 0.0, 0.21};
            constexpr std::array waits{0.0, 0.35, 0.1, 0.8, 0.0, 0.45, 0.0};
            for (std::size_t i = 0; i < job.stage.size(); ++i) {
                job.stage[i].busy_seconds += t * busy[i];
                job.stage[i].waiting_seconds += t * waits[i];
                job.stage[i].bytes += static_cast<std::uint64_t>(t * job.bytes_per_second);
            }
        }
        return now;
    }

private:
    double calls_ = 0;
};

snapshot still() { return submitit::testing::sample_snapshot(); }

}  // namespace

int main(int argc, char** argv) {
    std::string_view const kind = argc > 1 ? argv[1] : "still";
    submitit::http::hub_options options;
    options.where = submitit::http::parse_address(argc > 2 ? argv[2] : ":0").value();
    if (kind == "moving") {
        options.limits.event_every = std::chrono::milliseconds{25};
        options.limits.fresh = std::chrono::milliseconds{0};
    }
    std::function<snapshot()> source = still;
    if (kind == "moving") source = moving{};
    auto const endpoint = submitit::http::own_thread::start(std::move(options), std::move(source));
    if (!endpoint) return 1;
    std::puts((*endpoint)->where().url().c_str());
    std::fflush(stdout);
    char byte = 0;
    while (::read(STDIN_FILENO, &byte, 1) > 0) {
    }
}
