// SPDX-License-Identifier: Apache-2.0
#include "http/hub.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "http/dialogue.hpp"
#include "http/host_check.hpp"
#include "http/metrics.hpp"
#include "http/page.hpp"
#include "http/snapshot_json.hpp"

namespace submitit::http {
namespace {

constexpr std::size_t history_max = 600;
constexpr std::string_view bearer = "Bearer ";

bool is_read(std::string_view method) { return method == "GET" || method == "HEAD"; }

response not_allowed(std::string const& allowed) {
    auto answer = refusal(405, "only " + allowed + " here");
    answer.fields.emplace_back("Allow", allowed);
    return answer;
}

response text(std::string type, std::string body) {
    response answer;
    answer.type = std::move(type);
    answer.body = std::move(body);
    return answer;
}

response page() {
    auto answer = text("text/html; charset=utf-8", std::string{page_html()});
    answer.fields.emplace_back("Content-Security-Policy", std::string{page_policy()});
    return answer;
}

/// One server-sent event. JSON has no newlines, so one data line is enough.
std::string event_text(std::string_view name, std::string_view id, std::string_view data) {
    std::string made;
    if (!id.empty()) made += "id: " + std::string{id} + '\n';
    return made + "event: " + std::string{name} + "\ndata: " + std::string{data} + "\n\n";
}

}  // namespace

hub::hub(hub_options options, std::function<status::snapshot()> source)
    : options_{std::move(options)}, source_{std::move(source)} {
    if (!options_.now) options_.now = [] { return std::chrono::steady_clock::now(); };
}

std::unique_ptr<detail::status_dialogue> hub::meet(bool crowded) { return std::make_unique<dialogue>(*this, crowded); }

status::snapshot const& hub::fresh() {
    auto const now = options_.now();
    if (!taken_ || now - *taken_ >= options_.limits.fresh) {
        last_ = source_();
        taken_ = now;
        json_.clear();
        metrics_ = {};
    }
    return last_;
}

std::string const& hub::json() {
    auto const& now = fresh();
    if (json_.empty()) {
        auto made = to_json(now);
        made["controls"] = may_act();
        json_ = boost::json::serialize(made);
    }
    return json_;
}

/// Without any action its page shows no buttons.
bool hub::may_act() const {
    auto const& known = options_.actions;
    return !options_.token.empty() && (known.cancel || known.pause || known.resume);
}

void hub::tick() {
    if (ticks_++ % stride_ == 0) remember(fresh());
}

/// A reading a second while that fits; later every second of them goes, so that the whole run stays in view.
void hub::remember(status::snapshot const& now) {
    reading one{now.time_seconds, 0, 0};
    for (auto const& job : now.jobs) {
        one.content_rate += job.bytes_per_second;
        one.output_rate += job.output_bytes_per_second;
    }
    history_.push_back(one);
    if (history_.size() < history_max) return;
    std::deque<reading> kept;
    for (std::size_t i = 1; i < history_.size(); i += 2) kept.push_back(history_[i]);
    history_ = std::move(kept);
    stride_ *= 2;
}

std::string hub::event(bool last) {
    if (last) taken_.reset();  // what it ended with
    auto const& data = json();
    if (!last && told_ == last_.sequence) return ": nothing new\n\n";
    told_ = last_.sequence;
    return event_text(last ? "end" : "status", std::to_string(told_), data);
}

void hub::failed(char const* why) noexcept {
    if (options_.on_failure) options_.on_failure(why);
}

bool hub::has_token(request const& said) const {
    if (said.authorizations.size() != 1 || options_.token.empty()) return false;
    std::string_view const given = said.authorizations.front();
    return equal_ignoring_case(given.substr(0, bearer.size()), bearer) &&
           equal_in_constant_time(given.substr(bearer.size()), options_.token);
}

response hub::answer(request const& said) {
    if (int const refused = refusal_by_host(said, options_.where); refused != 0) {
        auto answer = refusal(refused, "Host must be there once, and name this endpoint: " + options_.where.url());
        answer.keep_alive = false;
        return answer;
    }
    auto const path = path_of(said.target);
    if (path == "/healthz")
        return is_read(said.method) ? text("text/plain; charset=utf-8", "ok\n") : not_allowed("GET, HEAD");
    // The page itself tells nothing: it asks its user for the token, and then for the figures.
    if (path == "/" && is_read(said.method)) return page();
    bool const acts = path == "/cancel" || path == "/pause" || path == "/resume";
    bool const guarded = !options_.where.is_local() || (acts && !options_.token.empty());
    if (guarded && !has_token(said)) {
        auto answer = refusal(401, "say Authorization: Bearer with the endpoint's token");
        answer.fields.emplace_back("WWW-Authenticate", "Bearer");
        return answer;
    }
    if (acts && !options_.token.empty()) {
        if (path == "/cancel") return act(options_.actions.cancel, "cancel", said);
        return path == "/pause" ? act(options_.actions.pause, "pause", said)
                                : act(options_.actions.resume, "resume", said);
    }
    return is_read(said.method) ? read(path, said) : not_allowed("GET, HEAD");
}

response hub::read(std::string_view path, request const& said) {
    if (path == "/status") return text("application/json", json() + '\n');
    if (path == "/metrics") {
        auto const format = preferred_format(said.accept);
        auto const& now = fresh();
        auto& known = metrics_[static_cast<std::size_t>(format)];
        if (known.empty()) known = metrics_text(now, format);
        auto answer = text(media_type(format), known);
        answer.fields.emplace_back("Vary", "Accept");
        return answer;
    }
    if (path == "/events") return said.method == "HEAD" ? text("text/event-stream", "") : begin_stream();
    return refusal(404, "there is /, /status, /metrics, /events and /healthz");
}

response hub::begin_stream() {
    if (streams_ >= options_.limits.streams) {
        auto busy = refusal(503, "too many readers of /events: close one, or poll /status");
        busy.fields.emplace_back("Retry-After", "5");
        return busy;
    }
    boost::json::array past;
    for (auto const& one : history_) past.push_back({one.time_seconds, one.content_rate, one.output_rate});
    auto const& data = json();
    response answer =
        text("text/event-stream", "retry: 2000\n\n" + event_text("history", "", boost::json::serialize(past)) +
                                      event_text("status", std::to_string(last_.sequence), data));
    answer.is_stream = true;
    return answer;
}

response hub::act(std::function<void()> const& action, std::string_view name, request const& said) {
    if (said.method != "POST") return not_allowed("POST");
    auto const type = std::string_view{said.content_type}.substr(0, said.content_type.find(';'));
    if (!equal_ignoring_case(type.substr(0, type.find_last_not_of(" \t") + 1), "application/json"))
        return refusal(415, "Content-Type must be application/json");
    if (said.origin && !is_own_origin(*said.origin, said)) return refusal(403, "not from another site's page");
    if (!action) return refusal(501, "this export knows no " + std::string{name});
    action();
    response answer = text("application/json", "{\"asked\":\"" + std::string{name} + "\"}\n");
    answer.status = 202;
    return answer;
}

}  // namespace submitit::http
