// SPDX-License-Identifier: Apache-2.0
#include "http/metrics.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <map>
#include <set>
#include <sstream>

#include "http/metric_text.hpp"
#include "http/sample_snapshot.hpp"

namespace submitit::testing {
namespace {

using http::metrics_format;

struct family {
    std::string type;
    std::string help;
    std::string unit;
    std::vector<std::string> samples;  ///< whole lines
};

/// Fails the test where a family is begun twice or a sample stands outside of its family.
std::map<std::string, family> families_of(std::string const& text) {
    std::map<std::string, family> all;
    std::istringstream lines{text};
    std::string line;
    std::string current;
    while (std::getline(lines, line)) {
        CAPTURE(line);
        if (line == "# EOF") continue;
        if (line.starts_with("# ")) {
            std::istringstream words{line.substr(2)};
            std::string what;
            std::string name;
            std::string rest;
            words >> what >> name;
            std::getline(words >> std::ws, rest);
            if (what == "HELP") {
                CHECK_FALSE(all.contains(name));
                all[current = name].help = rest;
            }
            CHECK(name == current);
            if (what == "TYPE") all[name].type = rest;
            if (what == "UNIT") all[name].unit = rest;
            continue;
        }
        CHECK(line.starts_with(current));
        all[current].samples.push_back(line);
    }
    return all;
}

bool has_line(std::string const& text, std::string const& line) {
    return ('\n' + text).find('\n' + line + '\n') != std::string::npos;
}

}  // namespace

TEST_SUITE("http/metrics") {
    TEST_CASE("OpenMetrics: every family says what it is, ends in its unit, and counters in _total") {
        auto const text = http::metrics_text(sample_snapshot(), metrics_format::openmetrics);
        CHECK(text.ends_with("# EOF\n"));
        for (auto const& [name, one] : families_of(text)) {
            CAPTURE(name);
            CHECK(one.help.size() > 10);
            CHECK_FALSE(name.ends_with("_total"));
            if (!one.unit.empty()) CHECK(name.ends_with('_' + one.unit));
            if (name.ends_with("_bytes") || name.ends_with("_seconds")) CHECK_FALSE(one.unit.empty());
            for (auto const& sample : one.samples) {
                auto const end = sample.substr(name.size(), sample.find_first_of("{ ") - name.size());
                if (one.type == "counter") CHECK(end == "_total");
                if (one.type == "gauge") CHECK(end.empty());
                if (one.type == "info") CHECK(end == "_info");
            }
            CHECK_FALSE(one.samples.empty());
        }
    }

    TEST_CASE("both formats hold the same samples") {
        auto const samples = [](metrics_format format) {
            std::set<std::string> all;
            for (auto const& [name, one] : families_of(http::metrics_text(sample_snapshot(), format)))
                all.insert(one.samples.begin(), one.samples.end());
            return all;
        };
        CHECK(samples(metrics_format::openmetrics) == samples(metrics_format::prometheus));
        auto const old = http::metrics_text(sample_snapshot(), metrics_format::prometheus);
        CHECK(old.find("# EOF") == std::string::npos);
        CHECK(old.find("# UNIT") == std::string::npos);
        CHECK(has_line(old, "# TYPE submitit_export_content_bytes_total counter"));
        CHECK(has_line(old, "# TYPE submitit_build_info gauge"));
    }

    TEST_CASE("the figures of the snapshot stand under their names") {
        auto const text = http::metrics_text(sample_snapshot(), metrics_format::openmetrics);
        for (std::string const line : {
                 R"(submitit_export_content_bytes_total{export="7"} 85148565504)",
                 R"(submitit_export_progress_ratio{export="7"} 0.4375)",
                 R"(submitit_export_state{export="7",state="running"} 1)",
                 R"(submitit_export_state{export="8",state="running"} 0)",
                 R"(submitit_export_bound{export="7",by="cpu"} 1)",
                 R"(submitit_export_warnings_total{export="7",kind="vanished"} 3)",
                 R"(submitit_export_notes_total{export="7",kind="socket_skipped"} 5)",
                 R"(submitit_stage_busy_seconds_total{export="7",stage="budget_wait"} 23)",
                 R"(submitit_stage_depth{export="7",stage="sink"} 7)",
                 R"(submitit_export_paused_seconds_total{export="7"} 12.5)",
                 R"(submitit_export_window_wait_seconds_total{export="7"} 2.125)",
                 R"(submitit_workers_idle_seconds_total{export="7",reason="walk"} 1.5)",
                 R"(submitit_workers_wanted 3)",
                 R"(submitit_processors 4)",
                 R"(submitit_budget_grants_total{rule="reserve"} 1200)",
                 R"(submitit_io_batch_operations_bucket{le="4.0"} 250)",
                 R"(submitit_io_batch_operations_bucket{le="+Inf"} 310)",
                 R"(submitit_io_read_duration_seconds_sum 2.75)",
                 R"(process_open_fds 37)",
             })
            CHECK_MESSAGE(has_line(text, line), line);
        // Nobody can tell yet, so nothing is said.
        CHECK(text.find(R"(submitit_export_eta_seconds{export="8"})") == std::string::npos);
    }

    TEST_CASE("names cannot break out of their label") {
        auto const text = http::metrics_text(sample_snapshot(), metrics_format::prometheus);
        CHECK(text.find(R"(name="photos <b>\"2024\"</b>",output="/srv/exports/photos\\2024.tar.zst")") !=
              std::string::npos);
        CHECK(text.find(R"(reason="the ring \"works\"\nhere")") != std::string::npos);
    }

    TEST_CASE("a histogram taken while it changed still never falls") {
        auto now = sample_snapshot();
        now.io.batch_size.count = 299;
        auto const text = http::metrics_text(now, metrics_format::prometheus);
        CHECK(has_line(text, R"(submitit_io_batch_operations_bucket{le="+Inf"} 300)"));
        CHECK(has_line(text, "submitit_io_batch_operations_count 300"));
    }

    TEST_CASE("numbers are written so that they read back") {
        CHECK(http::number_text(0.1) == "0.1");
        CHECK(http::number_text(1e300) == "1e+300");
        CHECK(http::number_text(-std::numeric_limits<double>::infinity()) == "-Inf");
        CHECK(http::number_text(std::numeric_limits<double>::quiet_NaN()) == "NaN");
    }
}

}  // namespace submitit::testing
