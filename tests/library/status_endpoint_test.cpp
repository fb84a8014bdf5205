// SPDX-License-Identifier: Apache-2.0
#include "submitit/status_endpoint.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <future>
#include <latch>
#include <optional>
#include <thread>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/json/parse.hpp>

#include "base/errc.hpp"
#include "base/result.hpp"
#include "http/talking.hpp"
#include "library/exported_tree.hpp"
#include "submitit/export_job.hpp"

TEST_SUITE_BEGIN("library/status_endpoint");

namespace submitit {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using testing::open_descriptors;
using testing::read_all;
using testing::shared_tree;
using testing::talker;

engine_options small_engine() { return engine_options{}.memory(64U << 20U); }

/// An io_context with a thread that runs it; it may be destroyed early.
class running_context {
public:
    ~running_context() { destroy(); }
    [[nodiscard]] asio::io_context& get() noexcept { return *context_; }
    void destroy() {
        if (!context_) return;
        context_->stop();
        thread_.join();
        work_.reset();
        context_.reset();
    }

private:
    std::optional<asio::io_context> context_{std::in_place};
    asio::executor_work_guard<asio::io_context::executor_type> work_{context_->get_executor()};
    std::thread thread_{[this] { context_->run(); }};
};

http::address where(status_endpoint const& endpoint) { return http::parse_address(endpoint.address()).value(); }

std::string ask(http::address const& at, std::string const& path, std::string const& more = {}) {
    talker one{at};
    REQUIRE(one.say(testing::get_request(at, path, more)));
    return one.rest();
}

json::array jobs_of(status_endpoint const& endpoint) {
    auto const answer = ask(where(endpoint), "/status");
    REQUIRE(testing::status_of(answer) == 200);
    return json::parse(testing::body_of(answer)).at("jobs").as_array();
}

/// Asks until there are `count` jobs, all of that state: what was told is told again for a tenth of a second.
json::array jobs_when(status_endpoint const& endpoint, std::size_t count, std::string_view state) {
    auto const patience = std::chrono::steady_clock::now() + std::chrono::seconds{20};
    for (;;) {
        auto rows = jobs_of(endpoint);
        bool const all = rows.size() == count && std::all_of(rows.begin(), rows.end(), [&](auto const& row) {
                             return row.at("state").as_string() == state;
                         });
        if (all || std::chrono::steady_clock::now() > patience) return rows;
    }
}

template <class Context>
std::string pulled(Context& context, export_job& job) {
    return asio::co_spawn(context, read_all(job), asio::use_future).get();
}

/// Under way, and waiting for its reader.
template <class Context>
export_job begun(Context& context, engine& runs_on) {
    export_job job{context, runs_on};
    job.source(shared_tree().data()).format(format::tar);
    std::string piece(100, '\0');
    CHECK(job.async_read_some(asio::buffer(piece), asio::use_future).get() == piece.size());
    return job;
}

}  // namespace

TEST_CASE("two exports on one engine are two rows, served where they run: on an io_context") {
    running_context host;
    engine runs_on{small_engine()};
    status_endpoint endpoint{host.get(), runs_on};
    endpoint.listen("127.0.0.1:0");
    CHECK(jobs_of(endpoint).empty());
    auto first = begun(host.get(), runs_on);
    auto second = begun(host.get(), runs_on);
    auto const rows = jobs_when(endpoint, 2, "running");
    REQUIRE(rows.size() == 2);
    CHECK(rows[0].at("state") == "running");
    CHECK(rows[1].at("state") == "running");
    CHECK(rows[0].at("id") != rows[1].at("id"));
    for (auto const* const path : {"/", "/metrics", "/healthz"}) {
        CAPTURE(path);
        CHECK(testing::status_of(ask(where(endpoint), path)) == 200);
    }
}

TEST_CASE("clients on a thread_pool of two get whole answers while an export runs there, and it is whole, too") {
    asio::thread_pool host{2};
    engine runs_on{small_engine()};
    status_endpoint endpoint{host, runs_on};
    endpoint.listen(":0");
    auto const at = where(endpoint);
    std::atomic<int> whole{0};
    std::vector<std::thread> clients;
    for (int i = 0; i < 4; ++i)
        clients.emplace_back([&] {
            for (int turn = 0; turn < 25; ++turn) {
                auto const answer = ask(at, turn % 2 == 0 ? "/status" : "/metrics");
                whole += testing::status_of(answer) == 200 && answer.ends_with('\n') ? 1 : 0;
            }
        });
    export_job job{host, runs_on};
    job.source(shared_tree().data());
    auto const bytes = pulled(host, job);
    for (auto& client : clients) client.join();
    CHECK(whole == 100);
    CHECK(shared_tree().holds_all(bytes));
    auto const rows = jobs_when(endpoint, 1, "done");
    REQUIRE(rows.size() == 1);
    CHECK(rows[0].at("state") == "done");
}

TEST_CASE("a context that ends closes its clients, and leaves the endpoint with nothing to do") {
    auto const before = open_descriptors();
    {
        running_context host;
        engine runs_on{small_engine()};
        status_endpoint endpoint{host.get(), runs_on};
        endpoint.listen(":0");
        auto const at = where(endpoint);
        talker stream{at};
        REQUIRE(stream.say(testing::get_request(at, "/events")));
        CHECK(stream.until("event: status").ends_with("event: status"));
        talker slow{at};
        REQUIRE(slow.say("GET /status HT"));
        host.destroy();
        static_cast<void>(stream.rest());
        CHECK(slow.rest().empty());
    }
    CHECK(open_descriptors() == before);
}

TEST_CASE("an engine that has gone is told of as it was last") {
    running_context host;
    std::optional<engine> runs_on{std::in_place, small_engine()};
    status_endpoint endpoint{host.get(), *runs_on};
    endpoint.listen(":0");
    export_job whole{host.get(), *runs_on};
    whole.source(shared_tree().data());
    CHECK(shared_tree().holds_all(pulled(host.get(), whole)));
    auto cut = begun(host.get(), *runs_on);
    runs_on.reset();
    auto const rows = jobs_of(endpoint);
    REQUIRE(rows.size() == 2);
    CHECK(rows[0].at("state") == "done");
    CHECK(rows[1].at("state") == "cancelled");
    CHECK(testing::status_of(ask(where(endpoint), "/metrics")) == 200);
}

TEST_CASE("two endpoints tell each of its own engine") {
    running_context host;
    asio::thread_pool other_host{1};
    engine one{small_engine()};
    engine other{small_engine()};
    status_endpoint of_one{host.get(), one};
    status_endpoint again_of_one{other_host, one};
    status_endpoint of_other{host.get(), other};
    for (auto* const endpoint : {&of_one, &again_of_one, &of_other}) endpoint->listen(":0");
    auto job = begun(host.get(), one);
    CHECK(jobs_of(of_one).size() == 1);
    CHECK(jobs_of(again_of_one).size() == 1);
    CHECK(jobs_of(of_other).empty());
}

TEST_CASE("stop() tells streams the end, lets run() return, and it may listen again") {
    asio::io_context context;
    engine runs_on{small_engine()};
    status_endpoint endpoint{context, runs_on};
    auto const path = shared_tree().tree.path("status.sock");
    endpoint.listen("unix:" + path);
    CHECK(endpoint.address() == "unix:" + path);
    std::thread runs{[&] { context.run(); }};
    talker stream{where(endpoint)};
    REQUIRE(stream.say(testing::get_request(where(endpoint), "/events")));
    CHECK(stream.until("event: status").ends_with("event: status"));
    endpoint.stop();
    CHECK(stream.rest().find("event: end") != std::string::npos);
    runs.join();
    CHECK(endpoint.address().empty());
    CHECK_FALSE(std::filesystem::exists(path));
    endpoint.stop();
    endpoint.listen("unix:" + path);
    CHECK(std::filesystem::exists(path));
}

TEST_CASE("an address that others reach needs leave and a token, and then the token is asked for") {
    running_context host;
    engine runs_on{small_engine()};
    status_endpoint endpoint{host.get(), runs_on};
    boost::system::error_code error;
    auto const refusal = [&](std::string const& address) {
        endpoint.listen(address, error);
        CHECK(endpoint.address().empty());
        return error;
    };
    CHECK(refusal("example.org:80") == from_errno(EINVAL));
    CHECK(refusal("0.0.0.0:0") == from_errno(EACCES));
    endpoint.allow_remote();
    CHECK(refusal("0.0.0.0:0") == from_errno(EACCES));
    endpoint.token("short");
    CHECK(refusal("0.0.0.0:0") == from_errno(EINVAL));
    endpoint.token("0123456789abcdef").allow_remote(false);
    CHECK(refusal("0.0.0.0:0") == from_errno(EACCES));
    endpoint.allow_remote().listen("0.0.0.0:0", error);
    CHECK_FALSE(error);
    auto const at = where(endpoint);
    CHECK(testing::status_of(ask(at, "/status")) == 401);
    CHECK(testing::status_of(ask(at, "/status", "Authorization: Bearer 0123456789abcdef\r\n")) == 200);
}

TEST_CASE("what cannot listen says why, and nothing is left behind") {
    running_context host;
    engine runs_on{small_engine()};
    status_endpoint first{host.get(), runs_on};
    first.listen(":0");
    boost::system::error_code error;
    first.listen(":0", error);
    CHECK(error == from_errno(EALREADY));
    auto const before = open_descriptors();
    status_endpoint second{host.get(), runs_on};
    second.listen(first.address(), error);
    CHECK(error == from_errno(EADDRINUSE));
    CHECK_THROWS_AS(second.listen(first.address()), boost::system::system_error);
    CHECK(open_descriptors() == before);
    CHECK(jobs_of(first).empty());
}

TEST_CASE("endpoint and context may end at the same time, run or not") {
    engine runs_on{small_engine()};
    for (int turn = 0; turn < 40; ++turn) {
        std::optional<asio::thread_pool> pool{std::in_place, 1};
        std::optional<asio::io_context> idle{std::in_place};
        status_endpoint served{*pool, runs_on};
        status_endpoint unserved{*idle, runs_on};
        served.listen(":0");
        unserved.listen(":0");
        talker client{where(served)};
        std::latch both{2};
        std::thread stops{[&] {
            both.arrive_and_wait();
            served.stop();
            unserved.stop();
        }};
        both.arrive_and_wait();
        pool.reset();
        idle.reset();
        stops.join();
        CHECK(client.rest().empty());
    }
}

}  // namespace submitit

TEST_SUITE_END();
