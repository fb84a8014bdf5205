// SPDX-License-Identifier: Apache-2.0
#include "support/process.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <string_view>

extern char** environ;

namespace submitit::testing {
namespace {

using clock = std::chrono::steady_clock;

struct pipe_ends {
    unique_fd read;
    unique_fd write;
};

pipe_ends make_pipe() {
    std::array<int, 2> ends{-1, -1};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
    return {unique_fd{ends[0]}, unique_fd{ends[1]}};
}

/// A pipe that holds all of `text` and then ends.
unique_fd filled_pipe(std::string const& text) {
    auto ends = make_pipe();
    REQUIRE(text.size() <= 60'000);  // what a pipe takes without a reader
    REQUIRE(::write(ends.write.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    return std::move(ends.read);
}

std::vector<std::string> merged_environment(std::vector<std::pair<std::string, std::string>> const& added) {
    std::vector<std::string> all;
    for (auto** at = environ; *at != nullptr; ++at) {
        std::string_view const line{*at};
        auto const name = line.substr(0, line.find('='));
        if (std::none_of(added.begin(), added.end(), [&](auto const& one) { return one.first == name; }))
            all.emplace_back(line);
    }
    for (auto const& [name, value] : added) all.push_back(name + '=' + value);
    return all;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> all;
    for (auto& text : texts) all.push_back(text.data());
    all.push_back(nullptr);
    return all;
}

/// Signals as a shell gives them to a program in the foreground.
void default_signals() noexcept {
    for (int const number : {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGQUIT}) std::signal(number, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

int remaining_ms(clock::time_point until) {
    auto const left = std::chrono::duration_cast<std::chrono::milliseconds>(until - clock::now());
    return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 3'600'000));
}

/// False at the end of the stream, which closes `from`.
bool read_more(unique_fd& from, std::string& into) {
    std::array<char, 65536> buffer;
    auto const n = ::read(from.get(), buffer.data(), buffer.size());
    if (n > 0) into.append(buffer.data(), static_cast<std::size_t>(n));
    if (n == 0 || (n < 0 && errno != EINTR)) from.reset();
    return n > 0;
}

}  // namespace

child::child(command const& of) : until_{clock::now() + of.patience} {
    auto const in = filled_pipe(of.input);
    auto out = make_pipe();
    auto err = make_pipe();
    auto exec = make_pipe();  // closed by exec
    auto arguments = of.argv;
    auto const program = find_program(arguments.at(0));
    INFO("program: ", arguments.at(0));
    REQUIRE(!program.empty());
    auto environment = merged_environment(of.environment);
    auto const argv = pointers(arguments);
    auto const envp = pointers(environment);
    pid_ = ::fork();
    REQUIRE(pid_ >= 0);
    if (pid_ == 0) {
        ::dup2(of.input_fd >= 0 ? of.input_fd : in.get(), STDIN_FILENO);
        ::dup2(of.output_fd >= 0 ? of.output_fd : out.write.get(), STDOUT_FILENO);
        ::dup2(err.write.get(), STDERR_FILENO);
        if (!of.directory.empty() && ::chdir(of.directory.c_str()) != 0) ::_exit(126);
        default_signals();
        for (auto const& [resource, value] : of.limits) {
            rlimit const limit{value, value};
            if (::setrlimit(static_cast<__rlimit_resource_t>(resource), &limit) != 0) ::_exit(126);
        }
        if (of.in_child) of.in_child();
        ::execve(program.c_str(), argv.data(), envp.data());
        ::_exit(127);
    }
    exec.write.reset();
    char byte = 0;
    while (::read(exec.read.get(), &byte, 1) < 0 && errno == EINTR) continue;
    out_ = std::move(out.read);
    err_ = std::move(err.read);
}

child::~child() {
    if (pid_ > 0) reap(true);
}

void child::signal(int number) const {
    REQUIRE(pid_ > 0);  // kill(-1) would be everybody
    REQUIRE(::kill(pid_, number) == 0);
}

std::string child::read_output(std::size_t count) {
    while (out_ && seen_.out.size() < count) {
        pollfd watched{out_.get(), POLLIN, 0};
        if (::poll(&watched, 1, remaining_ms(until_)) == 0) break;
        read_more(out_, seen_.out);
    }
    return seen_.out;
}

bool child::error_says(std::string const& text) {
    while (seen_.err.find(text) == std::string::npos) {
        if (!err_) return false;
        pollfd watched{err_.get(), POLLIN, 0};
        if (::poll(&watched, 1, remaining_ms(until_)) == 0) return false;
        read_more(err_, seen_.err);
    }
    return true;
}

void child::drain() {
    while (out_ || err_) {
        std::array<pollfd, 2> watched{pollfd{out_.get(), POLLIN, 0}, pollfd{err_.get(), POLLIN, 0}};
        if (::poll(watched.data(), watched.size(), remaining_ms(until_)) == 0) return;
        if (watched[0].revents != 0) read_more(out_, seen_.out);
        if (watched[1].revents != 0) read_more(err_, seen_.err);
    }
}

void child::reap(bool kill_first) {
    if (kill_first) ::kill(pid_, SIGKILL);
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) continue;
    pid_ = -1;
    if (WIFEXITED(status)) seen_.status = WEXITSTATUS(status);
    if (WIFSIGNALED(status)) seen_.signal = WTERMSIG(status);
}

outcome child::wait() {
    unique_fd const ended{static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0))};
    REQUIRE(ended);
    pollfd watched{ended.get(), POLLIN, 0};
    seen_.timed_out = ::poll(&watched, 1, remaining_ms(until_)) == 0;
    reap(seen_.timed_out);
    while (err_ && read_more(err_, seen_.err)) continue;
    return seen_;
}

outcome child::finish() {
    drain();
    return wait();
}

std::pair<outcome, outcome> run_piped(command first, command second) {
    auto between = make_pipe();
    first.output_fd = between.write.get();
    second.input_fd = between.read.get();
    child writing{first};
    child reading{second};
    between.write.reset();
    between.read.reset();
    auto read = reading.finish();
    auto written = writing.finish();
    return {std::move(written), std::move(read)};
}

outcome run(command const& of) { return child{of}.finish(); }

std::string find_program(std::string const& name) {
    if (name.find('/') != std::string::npos) return ::access(name.c_str(), X_OK) == 0 ? name : std::string{};
    char const* const path = std::getenv("PATH");
    std::string_view rest{path != nullptr ? path : "/usr/bin:/bin"};
    while (!rest.empty()) {
        auto const colon = rest.find(':');
        auto const candidate = std::string{rest.substr(0, colon)} + '/' + name;
        if (::access(candidate.c_str(), X_OK) == 0) return candidate;
        rest.remove_prefix(colon == std::string_view::npos ? rest.size() : colon + 1);
    }
    return {};
}

bool have(std::string const& name) {
    bool const found = !find_program(name).empty();
    if (!found) MESSAGE("no ", name, " here: what it would check is skipped");
    return found;
}

}  // namespace submitit::testing
