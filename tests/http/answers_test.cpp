// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <atomic>

#include "http/client.hpp"
#include "http/talking.hpp"

namespace submitit::testing {
namespace {

using namespace std::chrono_literals;

bool has(std::string const& text, std::string_view part) { return text.find(part) != std::string::npos; }

constexpr char const* token = "0123456789abcdef";

std::string post(http::address const& to, std::string const& path, std::string const& fields) {
    return "POST " + path + " HTTP/1.1\r\nHost: " + host_of(to) + "\r\nConnection: close\r\nContent-Length: 2\r\n" +
           fields + "\r\n{}";
}

}  // namespace

TEST_SUITE("http/answers") {
    TEST_CASE("every answer forbids sniffing, storing, framing and fetching, and lets no other site read it") {
        auto const endpoint = serve(on_loopback());
        for (std::string const path : {"/", "/status", "/metrics", "/healthz", "/nothing"}) {
            auto const answer = ask(*endpoint, get_request(endpoint->where(), path));
            CAPTURE(path);
            CHECK(has(answer, "X-Content-Type-Options: nosniff\r\n"));
            CHECK(has(answer, "Cache-Control: no-store\r\n"));
            CHECK(has(answer, "default-src 'none'"));
            CHECK(has(answer, "frame-ancestors 'none'"));
            CHECK_FALSE(has(answer, "Access-Control"));
            CHECK_FALSE(has(answer, "unsafe-inline"));
        }
        CHECK(status_of(ask(*endpoint, get_request(endpoint->where(), "/nothing"))) == 404);
        CHECK(has(ask(*endpoint, get_request(endpoint->where(), "/")), "script-src 'sha256-"));
    }

    TEST_CASE("only GET and HEAD, and HEAD has no body") {
        auto const endpoint = serve(on_loopback());
        for (std::string const method : {"POST", "PUT", "DELETE", "OPTIONS", "TRACE", "BREW"}) {
            auto const answer =
                ask(*endpoint, method + " /status HTTP/1.1\r\nHost: " + host_of(endpoint->where()) + "\r\n\r\n");
            CHECK(status_of(answer) == 405);
            CHECK(has(answer, "Allow: GET, HEAD\r\n"));
        }
        auto const head = ask(*endpoint, "HEAD /status HTTP/1.1\r\nHost: " + host_of(endpoint->where()) + "\r\n\r\n");
        CHECK(status_of(head) == 200);
        CHECK(body_of(head).empty());
        CHECK_FALSE(has(head, "Content-Length: 0\r\n"));
    }

    TEST_CASE("metrics come in the format that is asked for") {
        auto const endpoint = serve(on_loopback());
        auto const in = [&](std::string const& accept) {
            return ask(*endpoint,
                       get_request(endpoint->where(), "/metrics", accept.empty() ? "" : "Accept: " + accept + "\r\n"));
        };
        CHECK(has(in(""), "text/plain; version=0.0.4"));
        CHECK(has(in("*/*"), "text/plain; version=0.0.4"));
        auto const open = in("application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1");
        CHECK(has(open, "application/openmetrics-text; version=1.0.0"));
        CHECK(open.ends_with("# EOF\n"));
        CHECK(has(in("application/openmetrics-text;q=0.2, text/plain;q=0.9"), "text/plain; version=0.0.4"));
        CHECK(has(in("application/openmetrics-text;q=0"), "text/plain; version=0.0.4"));
    }

    TEST_CASE("events begin with the history and the state, go on each second, and four may listen") {
        auto options = on_loopback();
        options.limits.event_every = 10ms;
        auto const endpoint = serve(options);
        talker listener{endpoint->where()};
        listener.say(get_request(endpoint->where(), "/events"));
        CHECK(has(listener.until("event: history\n"), "retry: "));
        CHECK(has(listener.until("event: status\n"), "id: 42\n"));
        // The sample does not change, so the stream only says that it is there.
        CHECK(has(listener.until(": nothing new\n\n"), "data: {"));
        std::vector<std::unique_ptr<talker>> others;
        for (int i = 0; i < 3; ++i) {
            auto& one = *others.emplace_back(std::make_unique<talker>(endpoint->where()));
            one.say(get_request(endpoint->where(), "/events"));
            CHECK(has(one.until("event: status"), "200 OK"));
        }
        CHECK(status_of(ask(*endpoint, get_request(endpoint->where(), "/events"))) == 503);
        CHECK(status_of(ask(*endpoint, get_request(endpoint->where(), "/status"))) == 200);
        others.pop_back();
        // The place is free again once the endpoint has seen that it is.
        int status = 503;
        while (status == 503) {
            talker next{endpoint->where()};
            next.say(get_request(endpoint->where(), "/events"));
            status = status_of(next.until("\r\n\r\n"));
        }
        CHECK(status == 200);
    }

    TEST_CASE("a listener that does not read is closed by the time for one event") {
        auto options = on_loopback();
        options.limits.event_every = 1ms;
        options.limits.event_write = 50ms;
        auto sequence = std::make_shared<std::atomic<std::uint64_t>>(0);
        auto endpoint = http::own_thread::start(options, [sequence] {
            status::snapshot large;
            large.sequence = ++*sequence;
            large.io.reason.assign(1U << 20U, 'x');
            return large;
        });
        REQUIRE(endpoint.has_value());
        talker deaf{(*endpoint)->where()};
        deaf.say(get_request((*endpoint)->where(), "/events"));
        CHECK(deaf.until("event: status").ends_with("event: status"));
        // It does not read while the endpoint lives; that the place comes free shows that it was closed.
        http::hub_options const unused;
        auto const free_places = [&] {
            std::vector<std::unique_ptr<talker>> all;
            for (unsigned i = 0; i < unused.limits.streams; ++i) {
                auto& one = *all.emplace_back(std::make_unique<talker>((*endpoint)->where()));
                one.say(get_request((*endpoint)->where(), "/events"));
                if (status_of(one.until("\r\n\r\n")) != 200) return false;
            }
            return true;
        };
        while (!free_places()) {
        }
    }

    TEST_CASE(
        "without a token there is nothing to post to; with one, only who knows it may, in JSON, from no other site") {
        auto const plain = serve(on_loopback());
        CHECK(status_of(ask(*plain, post(plain->where(), "/cancel", "Content-Type: application/json\r\n"))) == 405);

        auto options = on_loopback();
        options.token = token;
        std::atomic<int> cancelled{0};
        options.actions.cancel = [&cancelled] { ++cancelled; };
        auto const endpoint = serve(options);
        auto const& where = endpoint->where();
        std::string const json = "Content-Type: application/json\r\n";
        std::string const known = std::string{"Authorization: Bearer "} + token + "\r\n";
        auto const answer = [&](std::string const& path, std::string const& fields) {
            return status_of(ask(*endpoint, post(where, path, fields)));
        };
        CHECK(answer("/cancel", json) == 401);
        CHECK(answer("/cancel", json + "Authorization: Bearer 0123456789abcdeX\r\n") == 401);
        CHECK(answer("/cancel", json + "Authorization: Bearer 0123456789abcdef0\r\n") == 401);
        CHECK(answer("/cancel", json + "Authorization: Basic " + token + "\r\n") == 401);
        CHECK(answer("/cancel", json + known + known) == 401);
        CHECK(answer("/cancel", known) == 415);
        CHECK(answer("/cancel", known + "Content-Type: text/plain\r\n") == 415);
        CHECK(answer("/cancel", known + json + "Origin: http://evil.example\r\n") == 403);
        CHECK(answer("/cancel", known + json + "Origin: null\r\n") == 403);
        CHECK(answer("/pause", known + json) == 501);
        CHECK(cancelled == 0);
        CHECK(answer("/cancel", known + json) == 202);
        CHECK(answer("/cancel", known + json + "Origin: http://" + host_of(where) + "\r\n") == 202);
        CHECK(cancelled == 2);
        CHECK(status_of(ask(*endpoint, get_request(where, "/cancel", known))) == 405);
        CHECK(status_of(ask(*endpoint, get_request(where, "/status"))) == 200);
    }

    TEST_CASE("an address that others reach tells nothing but its health and an empty page without the token") {
        auto options = on_loopback();
        options.where = http::parse_address("0.0.0.0:0").value();
        options.token = token;
        auto const endpoint = serve(options);
        auto where = endpoint->where();
        where.host = "192.0.2.7";  // as others would call it
        CHECK(status_of(ask(*endpoint, get_request(where, "/healthz"))) == 200);
        CHECK(status_of(ask(*endpoint, get_request(where, "/"))) == 200);  // which asks its user for the token
        for (std::string const path : {"/status", "/metrics", "/events", "/cancel", "/nothing"})
            CHECK(status_of(ask(*endpoint, get_request(where, path))) == 401);
        auto const known = std::string{"Authorization: bearer "} + token + "\r\n";
        CHECK(status_of(ask(*endpoint, get_request(where, "/status", known))) == 200);
    }

    TEST_CASE("the client of `top` gets what is there, and the system's error where nothing is") {
        auto endpoint = serve(on_loopback());
        auto const where = endpoint->where();
        auto const got = http::get(where, "/healthz", "", 5s);
        REQUIRE(got.has_value());
        CHECK(got->status == 200);
        CHECK(got->body == "ok\n");
        endpoint.reset();
        CHECK(http::get(where, "/healthz", "", 5s).error() == from_errno(ECONNREFUSED));
    }
}

}  // namespace submitit::testing
