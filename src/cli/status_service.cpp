// SPDX-License-Identifier: Apache-2.0
#include "cli/status_service.hpp"

#include "base/display_name.hpp"
#include "cli/exit_status.hpp"
#include "cli/messages.hpp"
#include "http/token.hpp"

namespace submitit::cli {
namespace {

std::string remedy_for(error_code error, http::address const& where) {
    if (where.is_unix() && error == from_errno(EADDRINUSE))
        return ": another process answers there, choose another path";
    if (where.is_unix() && error == from_errno(EEXIST)) return ": it is no socket, choose another path";
    if (where.is_unix()) return ": choose a path in a directory of yours";
    return error == from_errno(EADDRINUSE) ? ": choose another port, or ':0' for any" : ": choose 127.0.0.1";
}

refusal token_refused(std::string const& path, error_code error) {
    auto const start = "--status-token-file " + display_name(path) + ": ";
    if (error == from_errno(EACCES))
        return {usage, start + "not readable, or by others than you too: run chmod 600 on it"};
    if (error == from_errno(EINVAL))
        return {usage, start + "holds no token: 16 to 512 visible characters, or remove it and a new one is made"};
    return {usage, start + error.message() + ": name a file in a directory of yours"};
}

}  // namespace

std::optional<refusal> check_status(export_arguments const& arguments) {
    bool const wanted = !arguments.status.empty();
    if (!wanted && arguments.status_allow_remote)
        return refusal{usage, "--status-allow-remote says nothing without --status: add --status ADDR:PORT"};
    if (!wanted && !arguments.status_token_file.empty())
        return refusal{usage, "--status-token-file says nothing without --status: add --status ADDR:PORT"};
    if (!wanted) return std::nullopt;
    auto const where = http::parse_address(arguments.status);
    if (!where)
        return refusal{usage, "--status '" + display_name(arguments.status) +
                                  "' is no address: write 127.0.0.1:9464, [::1]:9464, :0 or unix:/path.sock"};
    if (where->is_local()) return std::nullopt;
    if (!arguments.status_allow_remote)
        return refusal{usage, "--status " + arguments.status +
                                  " would let other machines read it: use 127.0.0.1, or add --status-allow-remote"};
    if (arguments.status_token_file.empty())
        return refusal{usage, "--status-allow-remote needs a token: add --status-token-file FILE"};
    return std::nullopt;
}

std::optional<refusal> open_status(export_arguments const& arguments, http::controls actions,
                                   std::function<status::snapshot()> source, std::unique_ptr<http::own_thread>& into) {
    auto const where = http::parse_address(arguments.status);
    if (!where) return std::nullopt;
    http::hub_options options;
    options.where = *where;
    if (auto const& path = arguments.status_token_file; !path.empty()) {
        auto token = http::read_or_make_token(path);
        if (!token) return token_refused(path, token.error());
        options.token = std::move(*token);
    }
    options.actions = std::move(actions);
    options.on_failure = [](char const* why) {
        print_error(std::string{"the status endpoint ended, the export goes on: "} + why);
    };
    auto opened = http::own_thread::start(std::move(options), std::move(source));
    if (!opened)
        return refusal{usage, "--status " + display_name(arguments.status) +
                                  ": cannot listen: " + opened.error().message() + remedy_for(opened.error(), *where)};
    into = std::move(*opened);
    print_line("status: " + display_name(into->where().url()));
    return std::nullopt;
}

}  // namespace submitit::cli
