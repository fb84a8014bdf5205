// SPDX-License-Identifier: Apache-2.0
#include "http/metric_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "base/display_name.hpp"

namespace submitit::http {
namespace {

/// Backslash, newline and, in labels, the quote; what is not UTF-8 is escaped for display first, as both formats are UTF-8.
std::string escaped(std::string_view text, bool in_label) {
    std::string const valid = is_utf8(text) ? std::string{text} : display_name(text);
    std::string made;
    made.reserve(valid.size());
    for (char const c : valid) {
        if (c == '\\') made += "\\\\";
        else if (c == '\n') made += "\\n";
        else if (c == '"' && in_label) made += "\\\"";
        else made += c;
    }
    return made;
}

}  // namespace

std::string number_text(double value) {
    if (std::isnan(value)) return "NaN";
    if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
    std::array<char, 32> text{};
    auto const end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
    return {text.data(), end};
}

void metric_text::begin(std::string_view name, std::string_view type, std::string_view unit, std::string_view help) {
    family_ = name;
    bool const open = format_ == metrics_format::openmetrics;
    auto const shown = open || suffix_.empty() ? std::string{name} : std::string{name} + std::string{suffix_};
    text_ += "# HELP " + shown + ' ' + escaped(help, open) + '\n';
    text_ += "# TYPE " + shown + ' ' + std::string{type} + '\n';
    if (open && !unit.empty()) text_ += "# UNIT " + shown + ' ' + std::string{unit} + '\n';
}

void metric_text::counter(std::string_view name, std::string_view unit, std::string_view help) {
    suffix_ = "_total";
    begin(name, "counter", unit, help);
}

void metric_text::gauge(std::string_view name, std::string_view unit, std::string_view help) {
    suffix_ = "";
    begin(name, "gauge", unit, help);
}

void metric_text::info(std::string_view name, std::string_view help) {
    suffix_ = "_info";
    begin(name, format_ == metrics_format::openmetrics ? "info" : "gauge", "", help);
}

void metric_text::sample(labels const& with, double value) { line(suffix_, with, number_text(value)); }
void metric_text::sample(labels const& with, std::uint64_t value) { line(suffix_, with, std::to_string(value)); }
void metric_text::info_sample(labels const& with) { line(suffix_, with, "1"); }

void metric_text::histogram(std::string_view name, std::string_view unit, std::string_view help,
                            status::histogram const& figures) {
    suffix_ = "";
    begin(name, "histogram", unit, help);
    auto const buckets = std::min(figures.bounds.size(), figures.counts.size());
    // A bucket never holds more than the next, also where the figures were taken while they changed.
    auto const all = buckets == 0 ? figures.count : std::max(figures.count, figures.counts[buckets - 1]);
    for (std::size_t i = 0; i < buckets; ++i) {
        auto bound = number_text(figures.bounds[i]);
        // OpenMetrics: "le" is a canonical float, which has a point or an exponent.
        if (bound.find_first_of(".eEIN") == std::string::npos) bound += ".0";
        line("_bucket", {{"le", bound}}, std::to_string(figures.counts[i]));
    }
    line("_bucket", {{"le", "+Inf"}}, std::to_string(all));
    line("_sum", {}, number_text(figures.sum));
    line("_count", {}, std::to_string(all));
}

void metric_text::line(std::string_view suffix, labels const& with, std::string_view value) {
    text_ += family_;
    text_ += suffix;
    char before = '{';
    for (auto const& [name, content] : with) {
        text_ += before;
        text_ += name;
        text_ += "=\"" + escaped(content, true) + '"';
        before = ',';
    }
    if (!with.empty()) text_ += '}';
    text_ += ' ';
    text_ += value;
    text_ += '\n';
}

std::string metric_text::end() && {
    if (format_ == metrics_format::openmetrics) text_ += "# EOF\n";
    return std::move(text_);
}

}  // namespace submitit::http
