// SPDX-License-Identifier: Apache-2.0
#include "http/listener.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "http/talking.hpp"
#include "http/token.hpp"
#include "support/temp_tree.hpp"

namespace submitit::testing {
namespace {

mode_t mode_of(std::string const& path) {
    struct stat found{};
    return ::lstat(path.c_str(), &found) == 0 ? found.st_mode & 07777U : 0;
}

http::hub_options on_socket(std::string const& path) {
    auto options = on_loopback();
    options.where = http::parse_address("unix:" + path).value();
    return options;
}

}  // namespace

TEST_SUITE("http/listener") {
    TEST_CASE("addresses are read as they are written") {
        CHECK(http::parse_address(":0")->host == "127.0.0.1");
        CHECK(http::parse_address("localhost:9464")->url() == "http://127.0.0.1:9464/");
        CHECK(http::parse_address("[::1]:80")->url() == "http://[::1]:80/");
        CHECK(http::parse_address("[::1]:80")->is_local());
        CHECK(http::parse_address("127.8.8.8:1")->is_local());
        CHECK_FALSE(http::parse_address("0.0.0.0:1")->is_local());
        CHECK_FALSE(http::parse_address("[::]:1")->is_local());
        CHECK_FALSE(http::parse_address("10.0.0.1:1")->is_local());
        CHECK(http::parse_address("unix:/run/x.sock")->path == "/run/x.sock");
        for (std::string const& wrong :
             {std::string{}, std::string{"9464"}, std::string{"127.0.0.1"}, std::string{"127.0.0.1:"},
              std::string{"127.0.0.1:65536"}, std::string{"127.0.0.1:+1"}, std::string{"::1:80"},
              std::string{"example.org:80"}, std::string{"unix:"}, "unix:/" + std::string(107, 'x')})
            CHECK_MESSAGE(!http::parse_address(wrong), wrong);
    }

    TEST_CASE("a socket file is its owner's only, answers, and goes with its endpoint") {
        temp_tree const at;
        auto const path = at.path() + "/status.sock";
        auto endpoint = serve(on_socket(path));
        CHECK(mode_of(path) == 0600);
        CHECK(status_of(ask(*endpoint, get_request(endpoint->where(), "/status"))) == 200);
        endpoint.reset();
        CHECK_FALSE(std::filesystem::exists(path));
    }

    TEST_CASE(
        "a socket file that nobody answers on is replaced; one that somebody does, or a file that is none, stays") {
        temp_tree const at;
        auto const path = at.path() + "/status.sock";
        auto where = http::parse_address("unix:" + path).value();
        auto const other = http::listener::open(where);
        REQUIRE(other.has_value());
        CHECK(http::listener::open(where).error() == from_errno(EADDRINUSE));
        CHECK(std::filesystem::exists(path));

        auto const kept = at.path() + "/kept.sock";
        {
            auto const dead = http::listener::open(http::parse_address("unix:" + kept).value());
            REQUIRE(dead.has_value());
            std::filesystem::create_hard_link(kept, at.path() + "/left.sock");  // as if nobody had cleaned up
        }
        auto const replaced = http::listener::open(http::parse_address("unix:" + at.path() + "/left.sock").value());
        CHECK(replaced.has_value());

        at.put("file", "not a socket");
        CHECK(http::listener::open(http::parse_address("unix:" + at.path() + "/file").value()).error() ==
              from_errno(EEXIST));
    }

    TEST_CASE("a taken port is refused") {
        auto const first = serve(on_loopback());
        CHECK(http::listener::open(first->where()).error() == from_errno(EADDRINUSE));
    }

    TEST_CASE("a token is made where there is none, and one that others can read, or that is too short, is refused") {
        temp_tree const at;
        auto const path = at.path() + "/token";
        auto const made = http::read_or_make_token(path);
        REQUIRE(made.has_value());
        CHECK(made->size() == 64);
        CHECK(mode_of(path) == 0600);
        CHECK(*http::read_or_make_token(path) == *made);
        CHECK(*http::read_token(path) == *made);
        std::filesystem::permissions(path, std::filesystem::perms{0640});
        CHECK(http::read_or_make_token(path).error() == from_errno(EACCES));
        std::ofstream{path} << "short\n";
        std::filesystem::permissions(path, std::filesystem::perms{0600});
        CHECK(http::read_or_make_token(path).error() == from_errno(EINVAL));
        CHECK(http::read_token(at.path() + "/none").error() == from_errno(ENOENT));
    }
}

}  // namespace submitit::testing
