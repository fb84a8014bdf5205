// SPDX-License-Identifier: Apache-2.0
// --status and its companions, and `top`, as their users have them. The exports stand still where nobody reads their output.
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>

#include "support/program.hpp"
#include "support/temp_tree.hpp"
#include "support/terminal.hpp"

namespace submitit::testing {
namespace {

using namespace std::chrono_literals;
using names = std::vector<std::string>;

constexpr char const* post_to = R"(
import socket, sys
one = socket.socket(socket.AF_UNIX)
one.connect(sys.argv[1])
one.sendall(('POST ' + sys.argv[3] + ' HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n'
             'Content-Length: 2\r\nAuthorization: Bearer ' + sys.argv[2] + '\r\n\r\n{}').encode())
print(one.recv(4096).decode())
)";

/// An export that waits for a reader of its output, with an endpoint, at a socket file unless told otherwise.
struct waiting_export {
    temp_tree at;
    std::string socket = at.path() + "/status.sock";
    std::unique_ptr<child> running;

    explicit waiting_export(names options = {}, std::string const& where = {}) {
        std::string noise(8U << 20U, '\0');  // beyond what a pipe takes
        std::uint32_t state = 1;
        for (auto& byte : noise) byte = static_cast<char>((state = state * 1664525U + 1013904223U) >> 24U);
        at.put("S/large", noise);
        names arguments{"export", "S", "-o", "-", "-f", "tar", "--status", where.empty() ? "unix:" + socket : where};
        arguments.insert(arguments.end(), options.begin(), options.end());
        command with;
        with.directory = at.path();
        running = std::make_unique<child>(program(std::move(arguments), with));
        REQUIRE(running->error_says("status: "));
        REQUIRE(running->error_says("\n"));
    }

    /// What is answered to a POST with the token of that file.
    [[nodiscard]] std::string post(std::string const& path, std::string const& token_file) const {
        std::string token;
        std::ifstream{token_file} >> token;
        CHECK(token.size() == 64);
        return run({.argv = {"python3", "-c", post_to, socket, token, path}}).out;
    }

    [[nodiscard]] std::string state() const {
        auto const told = json_of(top({"--once", "--json"}).out);
        return text(told.at("jobs").as_array().at(0).as_object(), {"state"});
    }

    /// Asks until it is that.
    [[nodiscard]] bool becomes(std::string const& wanted) const {
        auto const patience = std::chrono::steady_clock::now() + 20s;
        while (state() != wanted)
            if (std::chrono::steady_clock::now() > patience) return false;
        return true;
    }

    [[nodiscard]] outcome top(names arguments) const {
        arguments.insert(arguments.begin(), {"top", "unix:" + socket});
        return submitit(std::move(arguments));
    }
};

}  // namespace

TEST_SUITE("cli/status") {
    TEST_CASE("a running export tells what it does, ends as without, and takes its socket file with it") {
        waiting_export const one;
        auto const told = json_of(one.top({"--once", "--json"}).out);
        auto const& job = told.at("jobs").as_array().at(0).as_object();
        CHECK(text(job, {"name"}) == "S");
        CHECK(text(job, {"state"}) == "running");
        CHECK(text(job, {"format"}) == "tar");
        auto const shown = one.top({"--once"});
        CHECK(shown.status == 0);
        CHECK(contains(shown.out, "S  tar -> -  running"));
        CHECK(contains(shown.out, "budget_wait"));
        CHECK_FALSE(contains(shown.out, "\x1b"));
        auto const ended = one.running->finish();
        CHECK(ended.status == 0);
        CHECK(ended.out.size() > (8U << 20U));
        CHECK_FALSE(std::filesystem::exists(one.socket));
        CHECK(one.top({"--once"}).status == 4);
    }

    TEST_CASE("top ends with the export") {
        waiting_export const one;
        child watcher{program({"top", "unix:" + one.socket, "--json"})};
        CHECK(watcher.read_output(1).size() >= 1);
        CHECK(one.running->finish().status == 0);
        CHECK(watcher.finish().status == 0);
    }

    TEST_CASE("a free port of loopback is chosen and said") {
        temp_tree const at;
        at.put("S/a", "a");
        command here;
        here.directory = at.path();
        auto const done = export_to("a.zip", {"S", "--status", ":0"}, here);
        CHECK(done.status == 0);
        CHECK(contains(done.err, "status: http://127.0.0.1:"));
        CHECK_FALSE(contains(done.err, ":0/"));
    }

    TEST_CASE("who knows the token cancels it, and nothing is published") {
        temp_tree const files;
        auto const path = files.path() + "/token";
        waiting_export const one{{"--status-token-file", path}};
        struct stat found{};
        CHECK(::stat(path.c_str(), &found) == 0);
        CHECK((found.st_mode & 0777U) == 0600);
        CHECK(contains(one.post("/cancel", path), "HTTP/1.1 202 "));
        auto const ended = one.running->finish();
        CHECK(ended.status == 128 + SIGTERM);
    }

    TEST_CASE("it pauses and goes on as it is told, and the archive is as without") {
        temp_tree const files;
        auto const path = files.path() + "/token";
        waiting_export const one{{"--status-token-file", path}};
        CHECK(contains(one.post("/pause", path), "HTTP/1.1 202 "));
        CHECK(one.becomes("paused"));
        CHECK(contains(one.post("/pause", path), "HTTP/1.1 202 "));
        CHECK(contains(one.post("/resume", path), "HTTP/1.1 202 "));
        CHECK(one.becomes("running"));
        CHECK(contains(one.post("/nothing", path), "HTTP/1.1 405 "));
        auto const ended = one.running->finish();
        CHECK(ended.status == 0);
        waiting_export const other;
        CHECK(other.running->finish().out.size() == ended.out.size());
    }

    TEST_CASE("what is paused is cancelled all the same") {
        temp_tree const files;
        auto const path = files.path() + "/token";
        waiting_export const one{{"--status-token-file", path}};
        CHECK(contains(one.post("/pause", path), "HTTP/1.1 202 "));
        CHECK(one.becomes("paused"));
        CHECK(contains(one.post("/cancel", path), "HTTP/1.1 202 "));
        CHECK(one.running->finish().status == 128 + SIGTERM);
    }

    TEST_CASE("IPv6 loopback, where the machine has it") {
        auto const has_it =
            run({.argv = {"python3", "-c", "import socket; socket.socket(socket.AF_INET6).bind((\"::1\", 0))"}});
        if (has_it.status != 0) {
            MESSAGE("skipped: no ::1 here");
            return;
        }
        waiting_export const one{{}, "[::1]:0"};
        auto const url = lines_of(one.running->error_seen()).front().substr(std::string_view{"status: "}.size());
        CHECK(url.starts_with("http://[::1]:"));
        auto const shown = submitit({"top", url, "--once"});
        CHECK(shown.status == 0);
        CHECK(contains(shown.out, "S  tar -> -  running"));
    }

    TEST_CASE("top on a terminal draws in place, in its width and height, and gives the screen back") {
        waiting_export const one;
        terminal const screen{100, 40};
        child watcher{program({"top", "unix:" + one.socket}, screen.as(STDOUT_FILENO, {}))};
        auto const lines_drawn = [&screen] {
            auto text = screen.drawings("\x1b[H", 2).back();
            for (std::string_view const code : {"\x1b[K", "\x1b[J", "\r"})
                for (auto at = text.find(code); at != std::string::npos; at = text.find(code))
                    text.erase(at, code.size());
            return lines_of(text);
        };
        auto const wide = lines_drawn();
        REQUIRE(wide.size() > 12);
        CHECK(wide[0].starts_with("S  tar -> -  running"));
        for (auto const& line : wide) CHECK(line.size() <= 100);
        screen.resize(30, 8);
        CHECK(lines_drawn().size() <= 8);  // perhaps the last that was on its way
        auto const narrow = lines_drawn();
        CHECK(narrow.size() == 7);
        for (auto const& line : narrow) CHECK(line.size() <= 30);
        watcher.signal(SIGINT);
        CHECK(contains(screen.until("\x1b[?25h\x1b[?1049l"), "\x1b[?1049l"));
        CHECK(watcher.wait().status == 0);
        CHECK(one.running->finish().status == 0);
    }

    TEST_CASE("what would open it to others, or cannot be, is refused before anything is written") {
        temp_tree const at;
        at.put("S/a", "a");
        at.put("taken", "a file");
        command here;
        here.directory = at.path();
        struct mistake {
            names arguments;
            std::string said;
        };
        for (auto const& [arguments, said] : std::vector<mistake>{
                 {{"--status", "0.0.0.0:0"}, "--status-allow-remote"},
                 {{"--status", "[::]:0"}, "--status-allow-remote"},
                 {{"--status", "0.0.0.0:0", "--status-token-file", "t"}, "--status-allow-remote"},
                 {{"--status", "0.0.0.0:0", "--status-allow-remote"}, "--status-token-file FILE"},
                 {{"--status", "9464"}, "write 127.0.0.1:9464"},
                 {{"--status", "example.org:80"}, "is no address"},
                 {{"--status", ""}, "--status"},
                 {{"--status-allow-remote"}, "add --status"},
                 {{"--status-token-file", "t"}, "add --status"},
                 {{"--status", "unix:taken"}, "it is no socket"},
                 {{"--status", "unix:none/x.sock"}, "cannot listen"},
                 {{"--status", ":0", "--status-token-file", "taken"}, "chmod 600"},
             }) {
            CAPTURE(said);
            auto const done = export_to(
                "out.zip",
                [&] {
                    names all{"S"};
                    all.insert(all.end(), arguments.begin(), arguments.end());
                    return all;
                }(),
                here);
            CHECK(done.status == 2);
            CHECK_MESSAGE(contains(done.err, said), done.err);
            CHECK(lines_of(done.err).size() == 1);
            CHECK_FALSE(std::filesystem::exists(at.path() + "/out.zip"));
        }
    }

    TEST_CASE("top says what is wrong with its address, and that nobody is there") {
        auto const wrong = submitit({"top", "nowhere"});
        CHECK(wrong.status == 2);
        CHECK(contains(wrong.err, "is no address"));
        auto const none = submitit({"top", "unix:/nonexistent.sock"});
        CHECK(none.status == 4);
        CHECK(contains(none.err, "--status"));
    }
}

}  // namespace submitit::testing
