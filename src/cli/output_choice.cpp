// SPDX-License-Identifier: Apache-2.0
#include "cli/output_choice.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <ctime>

#include "archive/traits.hpp"
#include "base/display_name.hpp"
#include "cli/exit_status.hpp"
#include "cli/signals.hpp"
#include "publish/file_sink.hpp"
#include "publish/stream_sink.hpp"

namespace submitit::cli {
namespace {

constexpr char const* default_directory = "./exports";

bool exists(std::string const& path, struct ::stat& st) noexcept { return ::stat(path.c_str(), &st) == 0; }

std::string today() {
    std::time_t const now = std::time(nullptr);
    std::tm parts{};
    ::localtime_r(&now, &parts);
    std::array<char, 16> text{};
    std::strftime(text.data(), text.size(), "%Y-%m-%d", &parts);
    return text.data();
}

/// The name of the first source, without the directories that --prefix or a list may have put before it.
std::string derived_stem(std::vector<walk::source> const& sources) {
    auto name = sources.front().name;
    if (name.empty()) {
        auto const& path = sources.front().real_path;
        name = path == "/" ? "root" : path.substr(path.rfind('/') + 1);
    }
    auto const slash = name.rfind('/');
    return slash == std::string::npos ? name : name.substr(slash + 1);
}

refusal cannot_open(std::string const& path, error_code error) {
    auto const shown = display_name(path);
    switch (error.value()) {
        case EEXIST: return {output_failure, shown + ": exists already (--no-clobber)"};
        case EISDIR: return {usage, "-o " + shown + ": is a directory. Write '" + shown + "/' for a dated name in it"};
        case ENOENT: return {output_failure, shown + ": its directory does not exist. Make it first"};
        default: return {output_failure, shown + ": cannot be written: " + error.message()};
    }
}

std::optional<refusal> open_file(publish::file_options options, opened_output& into) {
    auto const path = options.path;
    auto opened = publish::file_sink::open(std::move(options));
    if (!opened) return cannot_open(path, opened.error());
    into.own = (*opened)->identities();
    into.sink = std::move(*opened);
    return std::nullopt;
}

std::optional<refusal> open_derived(export_arguments const& arguments, std::string const& directory, format kind,
                                    std::vector<walk::source> const& sources, opened_output& into) {
    auto const stem = derived_stem(sources) + '_' + today();
    auto const suffix = std::string{"."} + archive::to_string(kind);
    auto const name_of = [directory, stem, suffix](unsigned number) {
        return directory + '/' + stem + (number < 2 ? std::string{} : '-' + std::to_string(number)) + suffix;
    };
    publish::file_options options;
    options.path = name_of(1);
    options.sync = !arguments.no_sync;
    options.replace = arguments.force;
    if (!arguments.force) options.next_name = name_of;
    return open_file(std::move(options), into);
}

void add_default_directory(identities& own) {
    struct ::stat st{};
    if (::lstat(default_directory, &st) == 0 && S_ISDIR(st.st_mode)) own.emplace_back(st.st_dev, st.st_ino);
}

std::optional<refusal> open_standard_output(std::atomic<bool> const& stop, opened_output& into) {
    if (::isatty(STDOUT_FILENO) != 0)
        return refusal{usage,
                       "an archive is not written to a terminal: redirect standard output, or name a file with -o"};
    into.sink = std::make_unique<publish::stream_sink>(STDOUT_FILENO, false, "-", stop);
    return std::nullopt;
}

}  // namespace

std::optional<refusal> choose_format(export_arguments const& arguments, format& into) {
    if (!arguments.format.empty()) {
        auto const named = archive::parse_format(arguments.format);
        if (!named)
            return refusal{usage, "-f '" + display_name(arguments.format) +
                                      "' is no known format: use zip, tar, tar.gz or tar.zst"};
        into = *named;
        return std::nullopt;
    }
    auto const& output = arguments.output;
    if (output == "-") return refusal{usage, "-o - needs -f FMT: standard output has no suffix to tell the format by"};
    if (output.empty() || output.ends_with('/')) {
        into = format::zip;
        return std::nullopt;
    }
    auto const by_suffix = archive::format_of_suffix(output);
    if (!by_suffix)
        return refusal{usage, "-o " + display_name(output) +
                                  ": the suffix names no format: use .zip, .tar, .tar.gz or .tar.zst, or say -f FMT"};
    into = *by_suffix;
    return std::nullopt;
}

std::optional<refusal> open_output(export_arguments const& arguments, format kind,
                                   std::vector<walk::source> const& sources, std::atomic<bool> const& stop,
                                   opened_output& into) {
    auto const& path = arguments.output;
    struct ::stat st{};
    std::optional<refusal> refused;
    if (path == "-") {
        refused = open_standard_output(stop, into);
    } else if (path.empty()) {
        if (::mkdir(default_directory, 0777) != 0 && errno != EEXIST)
            return cannot_open(default_directory, last_errno());
        refused = open_derived(arguments, default_directory, kind, sources, into);
    } else if (path.ends_with('/')) {
        auto directory = path;
        while (directory.size() > 1 && directory.ends_with('/')) directory.pop_back();
        refused = open_derived(arguments, directory, kind, sources, into);
    } else if (exists(path, st) && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) {
        signals_let_through const interruptible;  // open(2) of a FIFO waits for its reader
        int const fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY);
        if (fd < 0) return cannot_open(path, last_errno());
        into.sink = std::make_unique<publish::stream_sink>(fd, true, path, stop);
    } else {
        publish::file_options options;
        options.path = path;
        options.replace = !arguments.no_clobber;
        options.sync = !arguments.no_sync;
        refused = open_file(std::move(options), into);
    }
    if (!refused) add_default_directory(into.own);
    return refused;
}

identities own_outputs(export_arguments const& arguments) {
    identities own;
    struct ::stat st{};
    if (!arguments.output.empty() && arguments.output != "-" && exists(arguments.output, st) && S_ISREG(st.st_mode))
        own.emplace_back(st.st_dev, st.st_ino);
    add_default_directory(own);
    return own;
}

bool is_standard_output(std::string const& path) {
    return path == "-" || path == "/dev/stdout" || path == "/dev/fd/1" || path == "/proc/self/fd/1";
}

}  // namespace submitit::cli
