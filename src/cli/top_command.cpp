// SPDX-License-Identifier: Apache-2.0
#include "cli/top_command.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include <boost/json/parse.hpp>

#include "base/display_name.hpp"
#include "cli/exit_status.hpp"
#include "cli/messages.hpp"
#include "cli/option_values.hpp"
#include "cli/refusal.hpp"
#include "cli/top_view.hpp"
#include "http/client.hpp"
#include "http/snapshot_json.hpp"
#include "http/token.hpp"

namespace submitit::cli {
namespace {

constexpr std::chrono::milliseconds patience{5000};
constexpr std::chrono::milliseconds every{1000};
constexpr std::size_t columns_of_no_terminal = 100;

struct screen_size {
    std::size_t columns;
    std::size_t rows;
};

screen_size terminal() noexcept {
    winsize size{};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0)
        return {size.ws_col, size.ws_row};
    return {80, 24};
}

bool can_redraw() {
    char const* const term = std::getenv("TERM");
    return ::isatty(STDOUT_FILENO) != 0 && term != nullptr && std::string_view{term} != "dumb";
}

/// "http://127.0.0.1:9464/" as well as "127.0.0.1:9464".
std::optional<http::address> address_of(std::string_view text) {
    constexpr std::string_view scheme = "http://";
    if (text.starts_with(scheme)) {
        text.remove_prefix(scheme.size());
        text = text.substr(0, text.find('/'));
    }
    return http::parse_address(text);
}

/// After it was there: so it has ended.
bool is_gone(error_code error) noexcept {
    namespace errc = boost::system::errc;
    return error == errc::connection_refused || error == errc::no_such_file_or_directory ||
           error == errc::connection_reset || error == errc::broken_pipe || error == errc::protocol_error;
}

refusal nobody_there(std::string const& address, error_code error) {
    return {output_failure,
            display_name(address) + ": " + error.message() + ": is an export with --status running there?"};
}

std::string joined(std::vector<std::string> const& lines) {
    std::string text;
    for (auto const& line : lines) text += line + '\n';
    return text;
}

bool put(std::string_view text) {
    return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
}

/// From the top left; what a line leaves of the one before is cleared, and so is all below.
std::string redrawn(std::vector<std::string> lines, std::size_t rows) {
    if (lines.size() >= rows) lines.resize(rows - 1);
    std::string text = "\x1b[H";
    for (auto const& line : lines) text += line + "\x1b[K\n";
    return text + "\x1b[J";
}

class watching {
public:
    watching(top_arguments const& arguments, http::address where, std::string token)
        : arguments_{&arguments},
          where_{std::move(where)},
          token_{std::move(token)},
          redraws_{can_redraw() && !arguments.json} {}

    int run(signal_watch& signals) {
        if (redraws_ && !arguments_->once) put("\x1b[?1049h\x1b[?25l");
        int const status = loop(signals);
        if (redraws_ && !arguments_->once) {
            put("\x1b[?25h\x1b[?1049l");
            put(joined(top_lines(last_, last_, terminal().columns)));
        }
        if (status != ok) print_error(refused_.message);
        return status;
    }

private:
    int loop(signal_watch& signals) {
        for (bool first = true;; first = false) {
            auto const got = http::get(where_, "/status", token_, patience);
            if (!got || got->status != 200) {
                if (!first && !got && is_gone(got.error())) return ok;
                refused_ =
                    got ? refusal{output_failure,
                                  display_name(arguments_->address) + ": answered " + std::to_string(got->status) +
                                      (got->status == 401 ? ": give --token-file FILE" : ": is it submitit-io?")}
                        : nobody_there(arguments_->address, got.error());
                return refused_.status;
            }
            if (!show(got->body)) return output_failure;
            if (arguments_->once || signals.wait(every) != 0) return ok;
        }
    }

    bool show(std::string const& body) {
        if (arguments_->json) return put(body);
        boost::json::error_code wrong;
        auto const value = boost::json::parse(body, wrong);
        refused_ = {output_failure, display_name(arguments_->address) + ": what it says is no status of submitit-io"};
        if (wrong || !value.is_object()) return false;
        auto now = http::from_json(value.get_object());
        auto const& before = last_.sequence == 0 ? now : last_;
        refused_.message = "standard output cannot be written";
        bool const redraws = redraws_ && !arguments_->once;
        auto const size = redraws_ ? terminal() : screen_size{columns_of_no_terminal, 0};
        auto const lines = top_lines(now, before, size.columns);
        bool const shown =
            redraws ? put(redrawn(lines, size.rows)) : put(joined(lines) + (arguments_->once ? "" : "\n"));
        last_ = std::move(now);
        return shown;
    }

    top_arguments const* arguments_;
    http::address where_;
    std::string token_;
    bool redraws_;
    status::snapshot last_;
    refusal refused_;
};

}  // namespace

CLI::App* declare_top(CLI::App& app, top_arguments& into) {
    auto* const to = app.add_subcommand("top", "Show a running export that was started with --status");
    to->add_option("ADDRESS", into.address, "As given to --status, or the URL it printed")
        ->required()
        ->type_name("")
        ->check(not_empty());
    to->add_option("--token-file", into.token_file,
                   "The file given to --status-token-file, where the export is on another machine")
        ->type_name("FILE")
        ->check(not_empty());
    to->add_flag("--once", into.once, "Show it once, and stop");
    to->add_flag("--json", into.json, "What /status says, one JSON object a line");
    to->footer(
        "Examples:\n  submitit-io export project -o project.zip --status :9464 &\n  submitit-io top :9464\n"
        "  submitit-io top unix:/run/export.sock --once --json");
    return to;
}

int run_top(top_arguments const& arguments, signal_watch& signals) {
    auto const where = address_of(arguments.address);
    if (!where)
        return print_refusal(
            {usage, "'" + display_name(arguments.address) +
                        "' is no address: write 127.0.0.1:9464, http://127.0.0.1:9464/ or unix:/path.sock"},
            "top");
    std::string token;
    if (!arguments.token_file.empty()) {
        auto read = http::read_token(arguments.token_file);
        if (!read)
            return print_refusal({usage, "--token-file " + display_name(arguments.token_file) + ": " +
                                             read.error().message() + ": name the file that the export was given"},
                                 "top");
        token = std::move(*read);
    }
    signals.watch();
    return watching{arguments, *where, std::move(token)}.run(signals);
}

}  // namespace submitit::cli
