// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/negotiation.hpp"
#include "status/snapshot.hpp"

namespace submitit::http {

using labels = std::vector<std::pair<std::string_view, std::string_view>>;

/// Writes metric families in one of the two text formats. A family is begun once, its samples follow, end() closes the whole.
///
/// Source: OpenMetrics 1.0, "Text format"; Prometheus exposition format 0.0.4. They differ where a counter's family is named
///         ("_total" is not part of it in OpenMetrics), in UNIT and info lines, and in "# EOF".
class metric_text {
public:
    explicit metric_text(metrics_format format) : format_{format} {}

    /// `name` without "_total"; `unit` is empty or how the name ends.
    void counter(std::string_view name, std::string_view unit, std::string_view help);
    void gauge(std::string_view name, std::string_view unit, std::string_view help);
    /// `name` without "_info"; its samples are info_sample().
    void info(std::string_view name, std::string_view help);

    void sample(labels const& with, double value);
    void sample(labels const& with, std::uint64_t value);
    void info_sample(labels const& with);
    /// A family and its one sample.
    void histogram(std::string_view name, std::string_view unit, std::string_view help,
                   status::histogram const& figures);

    [[nodiscard]] std::string end() &&;

private:
    void begin(std::string_view name, std::string_view type, std::string_view unit, std::string_view help);
    void line(std::string_view suffix, labels const& with, std::string_view value);

    metrics_format format_;
    std::string text_;
    std::string family_;  ///< as samples begin
    std::string_view suffix_;
};

/// The shortest decimal text that reads back as `value`; "+Inf", "-Inf" and "NaN" for the others.
[[nodiscard]] std::string number_text(double value);

}  // namespace submitit::http
