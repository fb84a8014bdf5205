// SPDX-License-Identifier: Apache-2.0
// What a client may do wrong, on purpose or not: each is answered or closed, and the endpoint answers the next.
#include <doctest/doctest.h>
#include <sys/socket.h>

#include <vector>

#include "http/talking.hpp"

namespace submitit::testing {
namespace {

using namespace std::chrono_literals;

bool still_answers(http::own_thread const& endpoint) {
    return status_of(ask(endpoint, get_request(endpoint.where(), "/healthz"))) == 200;
}

std::string request_with(http::own_thread const& endpoint, std::string const& fields) {
    return "GET /status HTTP/1.1\r\nHost: " + host_of(endpoint.where()) + "\r\n" + fields + "\r\n";
}

}  // namespace

TEST_SUITE("http/hostile") {
    TEST_CASE("a header that drips in is cut off by the time for a request, however often bytes come") {
        auto options = on_loopback();
        options.limits.request = 60ms;
        auto const endpoint = serve(options);
        talker slow{endpoint->where()};
        auto const began = std::chrono::steady_clock::now();
        std::size_t said = 0;
        while (slow.say("G") && said < 4000) {  // until it is closed, or the limit of the header would be the reason
            ++said;
            char byte = 0;
            timeval const patience{0, 2000};
            ::setsockopt(slow.fd(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
            if (::recv(slow.fd(), &byte, 1, 0) == 0) break;
        }
        CHECK(said < 4000);
        CHECK(std::chrono::steady_clock::now() - began >= 50ms);
        CHECK(still_answers(*endpoint));
    }

    TEST_CASE("a body that drips in is cut off as well") {
        auto options = on_loopback();
        options.token = "0123456789abcdef";
        options.limits.request = 60ms;
        auto const endpoint = serve(options);
        talker slow{endpoint->where()};
        slow.say("POST /cancel HTTP/1.1\r\nHost: " + host_of(endpoint->where()) + "\r\nContent-Length: 100\r\n\r\nx");
        CHECK(slow.rest() == "");
        CHECK(still_answers(*endpoint));
    }

    TEST_CASE("a connection ends at its deadline, also in the middle of a conversation") {
        auto options = on_loopback();
        options.limits.connection = 80ms;
        options.limits.requests = 1'000'000;
        auto const endpoint = serve(options);
        talker chatty{endpoint->where()};
        std::size_t answers = 0;
        while (chatty.say("GET /healthz HTTP/1.1\r\nHost: " + host_of(endpoint->where()) + "\r\n\r\n") &&
               chatty.until("ok\n").ends_with("ok\n"))
            ++answers;
        CHECK(answers > 0);
        CHECK(still_answers(*endpoint));
    }

    TEST_CASE("a header beyond 4 KiB is answered 431, whether or not its end has come") {
        auto const endpoint = serve(on_loopback());
        std::string const ended = request_with(*endpoint, "X: " + std::string(65536, 'x') + "\r\n");
        CHECK(status_of(ask(*endpoint, ended)) == 431);
        talker endless{endpoint->where()};
        endless.say("GET / HTTP/1.1\r\nX: " + std::string(5000, 'x'));
        CHECK(status_of(endless.rest()) == 431);
        CHECK(still_answers(*endpoint));
    }

    TEST_CASE("what is not HTTP is answered 400 and closed") {
        auto const endpoint = serve(on_loopback());
        auto const host = "Host: " + host_of(endpoint->where()) + "\r\n";
        using namespace std::string_literals;
        std::vector<std::string> const nonsense{
            "\x16\x03\x01\x02\x00\x01"s,  // TLS
            "GET /\0 HTTP/1.1\r\n"s + host + "\r\n",
            "GET / HTTP/1.1\r\n"s + host + "X: a\0b\r\n\r\n"s,
            "GET / HTTP/1.1\r\n"s + host + "X\0: a\r\n\r\n"s,
            "GET  / HTTP/1.1\r\n" + host + "\r\n",
            "GET / HTTP/1.1\r\n" + host + "no colon\r\n\r\n",
            "GET / HTTP/1.1\r\n" + host + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
            "GET / HTTP/1.1\r\n" + host + "Content-Length: -1\r\n\r\n",
            "GET / HTTP/1.1\r\n" + host + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "GET / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        };
        for (auto const& one : nonsense) {
            CAPTURE(one);
            talker mad{endpoint->where()};
            mad.say(one);
            CHECK(status_of(mad.rest()) == 400);
        }
        CHECK(status_of(ask(*endpoint, "GET / HTTP/2.0\r\n" + host + "\r\n")) == 505);
        CHECK(still_answers(*endpoint));
    }

    TEST_CASE("a GET has no body, and a body has a length") {
        auto const endpoint = serve(on_loopback());
        CHECK(status_of(ask(*endpoint, request_with(*endpoint, "Content-Length: 3\r\n") + "abc")) == 413);
        CHECK(status_of(ask(*endpoint, request_with(*endpoint, "Content-Length: 18446744073709551615\r\n"))) == 413);
        CHECK(status_of(ask(*endpoint, request_with(*endpoint, "Transfer-Encoding: chunked\r\n") + "0\r\n\r\n")) ==
              411);
        CHECK(status_of(ask(*endpoint, request_with(*endpoint, "Transfer-Encoding: gzip\r\n"))) == 411);
        auto const post =
            "POST /x HTTP/1.1\r\nHost: " + host_of(endpoint->where()) + "\r\nContent-Length: 4097\r\n\r\n";
        CHECK(status_of(ask(*endpoint, post)) == 413);
    }

    TEST_CASE(
        "loopback answers to loopback's names only, so that a page elsewhere cannot ask through a name of its own") {
        auto const endpoint = serve(on_loopback());
        auto const port = std::to_string(endpoint->where().port);
        auto const asked_for = [&](std::string const& hosts, std::string const& target = "/status") {
            return status_of(ask(*endpoint, "GET " + target + " HTTP/1.1\r\n" + hosts + "Connection: close\r\n\r\n"));
        };
        for (std::string const name : {"127.0.0.1", "localhost", "LOCALHOST", "[::1]"})
            CHECK(asked_for("Host: " + name + ':' + port + "\r\n") == 200);
        for (std::string const& name :
             {"evil.example:" + port, "0.0.0.0:" + port, std::string{"127.0.0.1"}, std::string{"127.0.0.1:1"},
              "127.0.0.1.evil.example:" + port, "localhost:" + port + "0", "[::]:" + port, "localhost.:" + port})
            CHECK_MESSAGE(asked_for("Host: " + name + "\r\n") == 421, name);
        CHECK(asked_for("") == 400);
        CHECK(asked_for("Host:\r\n") == 400);
        auto const good = "Host: 127.0.0.1:" + port + "\r\n";
        CHECK(asked_for(good + good) == 400);
        CHECK(asked_for("Host: 127.0.0.1:" + port + ", evil.example\r\n") == 400);
        CHECK(asked_for(good, "http://127.0.0.1:" + port + "/status") == 200);
        CHECK(asked_for(good, "http://localhost:" + port + "/status") == 400);
        CHECK(asked_for(good, "http://evil.example/status") == 400);
        CHECK(asked_for(good, "*") == 400);
        CHECK(asked_for(good, "evil.example:80") == 400);
    }

    TEST_CASE("requests that come together are answered in order, ten at most") {
        auto const endpoint = serve(on_loopback());
        std::string many;
        for (int i = 0; i < 25; ++i)
            many += std::string{i % 2 == 0 ? "GET" : "HEAD"} +
                    " /healthz HTTP/1.1\r\nHost: " + host_of(endpoint->where()) + "\r\n\r\n";
        talker eager{endpoint->where()};
        eager.say(many);
        auto const answers = eager.rest();
        std::size_t heads = 0;
        std::size_t bodies = 0;
        for (auto at = answers.find("HTTP/1.1 200"); at != std::string::npos; at = answers.find("HTTP/1.1 200", at + 1))
            ++heads;
        for (auto at = answers.find("ok\n"); at != std::string::npos; at = answers.find("ok\n", at + 1)) ++bodies;
        CHECK(heads == 10);
        CHECK(bodies == 5);
        CHECK(answers.find("Connection: close") > answers.rfind("HTTP/1.1 200"));
    }

    TEST_CASE("of a thousand connections eight are served, the others hear 503 or are closed, and none is forgotten") {
        auto options = on_loopback();
        options.limits.linger = 100ms;
        auto const endpoint = serve(options);
        std::vector<std::unique_ptr<talker>> idle;
        for (unsigned i = 0; i < options.limits.connections; ++i) {
            auto& one = *idle.emplace_back(std::make_unique<talker>(endpoint->where()));
            one.say("GET /healthz HTTP/1.1\r\nHost: " + host_of(endpoint->where()) + "\r\n\r\n");
            CHECK(one.until("ok\n").ends_with("ok\n"));
        }
        std::size_t told = 0;
        for (int i = 0; i < 992; ++i) {
            talker turned_away{endpoint->where()};
            auto const answer = turned_away.rest();
            CHECK((answer.empty() || status_of(answer) == 503));
            told += answer.empty() ? 0 : 1;
        }
        CHECK(told > 0);
        for (auto& one : idle) {
            one->say("GET /healthz HTTP/1.1\r\nHost: " + host_of(endpoint->where()) + "\r\nConnection: close\r\n\r\n");
            CHECK(status_of(one->rest()) == 200);
        }
        idle.clear();
        CHECK(still_answers(*endpoint));
    }

    TEST_CASE("an endpoint ends at once whatever its clients do") {
        auto endpoint = serve(on_loopback());
        talker silent{endpoint->where()};
        talker half{endpoint->where()};
        half.say("GET / HT");
        talker reading{endpoint->where()};
        reading.say(get_request(endpoint->where(), "/events"));
        CHECK(reading.until("event: status").ends_with("event: status"));
        endpoint.reset();
        CHECK(silent.rest() == "");
        CHECK(half.rest() == "");
        CHECK(reading.rest().find("event: end\n") != std::string::npos);
    }

    TEST_CASE("an exception of the source ends the endpoint, which says why, and nothing else") {
        auto options = on_loopback();
        std::string said;
        options.on_failure = [&said](char const* why) { said = why; };
        auto endpoint =
            http::own_thread::start(options, []() -> status::snapshot { throw std::runtime_error{"no figures"}; });
        REQUIRE(endpoint.has_value());
        talker one{(*endpoint)->where()};
        one.say(get_request((*endpoint)->where(), "/status"));
        CHECK(one.rest() == "");
        endpoint->reset();
        CHECK(said == "no figures");
    }
}

}  // namespace submitit::testing
