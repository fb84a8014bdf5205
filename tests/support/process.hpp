// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <chrono>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/unique_fd.hpp"

namespace submitit::testing {

/// A program to run: no shell, so every byte of every argument arrives as it stands here.
struct command {
    std::vector<std::string> argv;  ///< argv[0] is looked up in $PATH unless it has a '/'
    std::string directory;          ///< working directory; empty: this process's own
    std::vector<std::pair<std::string, std::string>> environment;  ///< on top of this process's own
    std::string input;                                             ///< standard input; at most 60,000 bytes
    std::vector<std::pair<int, rlim_t>> limits;                    ///< RLIMIT_x, both soft and hard
    int input_fd = -1;                                             ///< standard input instead of `input`
    int output_fd = -1;                                            ///< standard output; -1: captured
    std::function<void()> in_child;      ///< runs between fork and exec; only async-signal-safe calls
    std::chrono::seconds patience{300};  ///< after that it is killed, and the outcome says so
};

struct outcome {
    int status = -1;         ///< exit status, -1 when it did not exit
    int signal = 0;          ///< the signal that ended it
    bool timed_out = false;  ///< `patience` was over: it was killed
    std::string out;
    std::string err;
};

/// A running program, with its standard output and error as pipes. Killed and reaped when this goes.
class child {
public:
    /// Returns when the program runs (after exec), so that a signal finds it and not this one's copy.
    explicit child(command const& of);
    ~child();
    child(child const&) = delete;
    child& operator=(child const&) = delete;

    /// Reads at least `count` bytes of standard output, fewer only at its end.
    [[nodiscard]] std::string read_output(std::size_t count);
    /// Reads standard error until `text` was seen; false at its end.
    [[nodiscard]] bool error_says(std::string const& text);
    /// What error_says() has read so far.
    [[nodiscard]] std::string const& error_seen() const noexcept { return seen_.err; }
    void signal(int number) const;
    /// Closes the reading end of its standard output.
    void stop_reading() { out_.reset(); }
    [[nodiscard]] pid_t pid() const noexcept { return pid_; }

    /// Waits for the end of the program; leaves unread output alone, so a pipe nobody reads stays full.
    [[nodiscard]] outcome wait();
    /// Reads what it still writes, then waits. What read_output() and error_says() took before is included.
    [[nodiscard]] outcome finish();

private:
    void drain();
    void reap(bool kill_first);

    pid_t pid_ = -1;
    unique_fd out_;
    unique_fd err_;
    outcome seen_;
    std::chrono::steady_clock::time_point until_;
};

[[nodiscard]] outcome run(command const& of);

/// first | second; the outcomes of both.
[[nodiscard]] std::pair<outcome, outcome> run_piped(command first, command second);

/// The program of that name in $PATH, or an empty string.
[[nodiscard]] std::string find_program(std::string const& name);

/// Whether $PATH has it; says in the test's output when not, so that no check is left out silently.
[[nodiscard]] bool have(std::string const& name);

}  // namespace submitit::testing
