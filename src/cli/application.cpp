// SPDX-License-Identifier: Apache-2.0
#include "cli/application.hpp"

#include <algorithm>

#include "base/display_name.hpp"
#include "cli/command_line.hpp"
#include "cli/doctor_command.hpp"
#include "cli/exit_status.hpp"
#include "cli/export_command.hpp"
#include "cli/list_command.hpp"
#include "cli/output_choice.hpp"
#include "cli/pattern_file.hpp"
#include "cli/refusal.hpp"
#include "cli/top_command.hpp"
#include "cli/verify_command.hpp"

namespace submitit::cli {
namespace {

/// --exclude, --include and --exclude-from in the order of the command line, which the options' own lists do not keep.
std::optional<refusal> order_rules(CLI::App const& command, export_arguments& arguments) {
    std::size_t excludes = 0;
    std::size_t includes = 0;
    std::size_t files = 0;
    for (auto const* const option : command.parse_order()) {
        auto const name = option->get_name();
        if (name == "--exclude") arguments.rules.push_back({false, arguments.excludes[excludes++]});
        if (name == "--include") arguments.rules.push_back({true, arguments.includes[includes++]});
        if (name == "--exclude-from")
            if (auto refused = read_patterns(arguments.exclude_files[files++], arguments.rules)) return refused;
    }
    return std::nullopt;
}

/// CLI11 words some mistakes by how it counts; these say what was wrong and what to do.
std::string in_our_words(CLI::App const& app, CLI::ParseError const& error, std::string const& command) {
    std::string text = error.what();
    auto const unknown = app.remaining(true);
    if (command.empty()) {
        std::string const commands = "export, verify, list, top or doctor";
        if (unknown.empty()) return "no command: say " + commands;
        return "'" + unknown.front() + "' is no command: use " + commands;
    }
    if (dynamic_cast<CLI::ExtrasError const*>(&error) != nullptr && !unknown.empty())
        return unknown.front().starts_with('-')
                   ? "'" + unknown.front() + "' is no option of " + command + ": check its spelling, or leave it out"
                   : "'" + unknown.front() + "' is one argument too many: leave it out";
    if (dynamic_cast<CLI::ArgumentMismatch const*>(&error) != nullptr) {
        auto const name = text.substr(0, text.find(':'));
        return text.ends_with("missing") ? name + " lacks its value: give one, or leave it out"
                                         : name + " is given more than once: say it once";
    }
    if (dynamic_cast<CLI::RequiredError const*>(&error) != nullptr) return text + ": name one";
    if (dynamic_cast<CLI::ConversionError const*>(&error) != nullptr) return text + ": a flag takes no value";
    return text;
}

int parse_failed(CLI::App const& app, CLI::ParseError const& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
    auto const commands = app.get_subcommands();
    auto const command = commands.empty() ? std::string{} : commands.front()->get_name();
    return print_refusal({usage, display_name(in_our_words(app, error, command))}, command);
}

}  // namespace

int run(int argc, char** argv, signal_watch& signals) {
    CLI::App app{
        "submitit-io: turns directory trees into archives at the speed of the hardware, within a bound of memory"};
    app.set_version_flag("--version", std::string{"submitit-io "} + SUBMITIT_VERSION);
    app.require_subcommand(1);
    app.footer(
        "Start with:  submitit-io export DIR -o out.zip\nEach command explains itself:  submitit-io COMMAND --help");

    export_arguments to_export;
    verify_arguments to_verify;
    list_arguments to_list;
    top_arguments to_watch;
    doctor_arguments to_examine;
    auto const* const export_command = declare_export(app, to_export);
    auto const* const verify_command = declare_verify(app, to_verify);
    auto const* const list_command = declare_list(app, to_list);
    auto const* const top_command = declare_top(app, to_watch);
    declare_doctor(app, to_examine);

    auto given = read_command_line(argc, argv, *export_command);
    std::reverse(given.arguments.begin(), given.arguments.end());  // as CLI11 wants a vector
    try {
        app.parse(std::move(given.arguments));
    } catch (CLI::ParseError const& error) {
        return parse_failed(app, error);
    }
    if (export_command->parsed()) {
        to_export.sources = std::move(given.sources);
        if (is_standard_output(to_export.output)) to_export.output = "-";
        if (auto const refused = order_rules(*export_command, to_export)) return print_refusal(*refused, "export");
        return run_export(to_export, signals);
    }
    if (verify_command->parsed()) return run_verify(to_verify, signals);
    if (list_command->parsed()) return run_list(to_list);
    if (top_command->parsed()) return run_top(to_watch, signals);
    return run_doctor(to_examine);
}

}  // namespace submitit::cli
