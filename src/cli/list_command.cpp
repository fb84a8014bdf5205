// SPDX-License-Identifier: Apache-2.0
#include "cli/list_command.hpp"

#include <array>
#include <cstdio>
#include <ctime>

#include "archive/read/list.hpp"
#include "base/display_name.hpp"
#include "cli/exit_status.hpp"
#include "cli/json_text.hpp"
#include "cli/messages.hpp"
#include "cli/option_values.hpp"
#include "cli/reading_archives.hpp"

namespace submitit::cli {
namespace {

std::string permissions(archive::listed_entry const& entry) {
    std::string text(1, entry.kind);
    for (int shift = 6; shift >= 0; shift -= 3) {
        auto const bits = entry.mode >> static_cast<unsigned>(shift);
        text += (bits & 4U) != 0 ? 'r' : '-';
        text += (bits & 2U) != 0 ? 'w' : '-';
        text += (bits & 1U) != 0 ? 'x' : '-';
    }
    return text;
}

std::string local_time(std::int64_t seconds) {
    auto const when = static_cast<std::time_t>(seconds);
    std::tm parts{};
    std::array<char, 32> text{};
    if (::localtime_r(&when, &parts) == nullptr) return std::to_string(seconds);
    std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &parts);
    return text.data();
}

std::string as_line(archive::listed_entry const& entry) {
    std::array<char, 64> middle{};
    std::snprintf(middle.data(), middle.size(), " %12llu ", static_cast<unsigned long long>(entry.size));
    auto line = permissions(entry) + ' ' + display_name(entry.owner) + '/' + display_name(entry.group) + middle.data() +
                local_time(entry.mtime_seconds) + ' ' + display_name(entry.path);
    if (!entry.link_target.empty())
        line += (entry.kind == 'h' ? " link to " : " -> ") + display_name(entry.link_target);
    return line + '\n';
}

std::string as_json(archive::listed_entry const& entry) {
    boost::json::object one;
    put_name(one, "path", entry.path);
    one["kind"] = std::string(1, entry.kind);
    one["mode"] = entry.mode;
    one["size"] = entry.size;
    one["mtime_seconds"] = entry.mtime_seconds;
    one["mtime_nanoseconds"] = entry.mtime_nanoseconds;
    put_name(one, "owner", entry.owner);
    put_name(one, "group", entry.group);
    if (!entry.link_target.empty()) put_name(one, "link_target", entry.link_target);
    return json_line(one);
}

}  // namespace

CLI::App* declare_list(CLI::App& app, list_arguments& into) {
    auto* const to = app.add_subcommand("list", "Show what an archive holds");
    to->add_option("ARCHIVE", into.archive, "The archive")->required()->type_name("")->check(not_empty());
    to->add_flag("--names", into.names_only, "Names only, one a line");
    to->add_flag("--json", into.json, "One JSON object a line");
    to->footer("Examples:\n  submitit-io list project.zip\n  submitit-io list project.tar.zst --json | head -3");
    return to;
}

int run_list(list_arguments const& arguments) {
    if (auto const refused = refuse_empty(arguments.archive)) return *refused;
    std::string message;
    bool written = true;
    auto const each = [&](archive::listed_entry const& entry) {
        auto const line = arguments.json         ? as_json(entry)
                          : arguments.names_only ? display_name(entry.path) + '\n'
                                                 : as_line(entry);
        written = std::fwrite(line.data(), 1, line.size(), stdout) == line.size();
        return written;
    };
    auto const listed = archive::list(arguments.archive, each, &message);
    written = std::fflush(stdout) == 0 && written;
    if (!written) return standard_output_failed();
    if (listed) return ok;
    return refuse_unreadable("list", arguments.archive, listed.error(), message);
}

}  // namespace submitit::cli
