// SPDX-License-Identifier: Apache-2.0
#include "cli/source_list.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <unordered_map>

#include "base/display_name.hpp"
#include "base/sizes.hpp"
#include "cli/exit_status.hpp"
#include "walk/entry.hpp"

namespace submitit::cli {
namespace {

struct closer {
    void operator()(std::FILE* file) const noexcept {
        if (file != stdin) std::fclose(file);
    }
};

using by_name = std::unordered_map<std::string_view, walk::source const*>;

std::optional<refusal> read_list(export_arguments const& arguments, std::uint64_t memory_bytes,
                                 std::vector<std::string>& into) {
    auto const& path = arguments.files_from;
    std::unique_ptr<std::FILE, closer> const file{path == "-" ? stdin : std::fopen(path.c_str(), "re")};
    if (!file)
        return refusal{source_failure, "-T " + display_name(path) +
                                           ": the list of sources cannot be opened: " + last_errno().message()};
    unsigned char const end = arguments.null_separated ? '\0' : '\n';
    std::string name;
    std::uint64_t held = 0;
    for (int c = 0; c != EOF;) {
        c = ::getc_unlocked(file.get());
        if (c != EOF && c != end) {
            if (name.size() == walk::name_bytes_max)
                return refusal{usage,
                               display_name(path) + ": a name in the list is longer than 65,535 bytes" +
                                   (arguments.null_separated ? "" : ". Are its names separated by NUL? Say --null")};
            name += static_cast<char>(c);
            continue;
        }
        if (name.empty()) continue;
        held += 2 * name.size() + sizeof(walk::source);
        if (held > memory_bytes)
            return refusal{budget_too_small,
                           display_name(path) + ": the list of sources alone takes more than the memory budget of " +
                               format_size(memory_bytes) + ". Raise -m, or name the directories above them"};
        into.push_back(std::exchange(name, {}));
    }
    if (std::ferror(file.get()) != 0)
        return refusal{source_failure, display_name(path) + ": the list of sources cannot be read"};
    return std::nullopt;
}

std::optional<refusal> add(walk::source_request const& request, std::vector<walk::source>& into) {
    if (request.given == "-")
        return refusal{usage,
                       "'-' is no source: standard input cannot be walked. Name a directory or a file ('./-' for one "
                       "of that name)"};
    if (request.given.empty())
        return refusal{usage, "SOURCE is empty: name a directory or a file ('.' for the one you are in)"};
    auto found = walk::resolve_source(request);
    if (!found)
        return refusal{source_failure, display_name(request.given) + ": the source cannot be read: " +
                                           found.error().message() + ". Nothing was published"};
    if (::access(found->real_path.c_str(), found->is_directory ? R_OK | X_OK : R_OK) != 0)
        return refusal{source_failure, display_name(request.given) + ": the source cannot be read: " +
                                           last_errno().message() + ". Nothing was published"};
    into.push_back(std::move(*found));
    return std::nullopt;
}

/// -C DIR, before its sources are called missing.
std::optional<refusal> check_directory(std::string const& path) {
    if (path.empty()) return std::nullopt;
    struct ::stat st{};
    bool const there = ::stat(path.c_str(), &st) == 0;
    if (there && S_ISDIR(st.st_mode)) return std::nullopt;
    return refusal{source_failure, "-C " + display_name(path) + ": the directory of the sources cannot be read: " +
                                       (there ? from_errno(ENOTDIR) : last_errno()).message() +
                                       ". Nothing was published"};
}

/// The directory source, if any, whose walk meets the name of `one` as well (--files-from with a directory and what is in
/// it).
walk::source const* walked_above(walk::source const& one, by_name const& all) {
    std::string_view const name{one.name};
    for (auto slash = name.find('/'); slash != std::string_view::npos; slash = name.find('/', slash + 1)) {
        auto const above = all.find(name.substr(0, slash));
        if (above == all.end() || !above->second->is_directory) continue;
        struct ::stat st{};
        auto const there = above->second->real_path + one.name.substr(slash);
        if (::lstat(there.c_str(), &st) == 0) return above->second;
    }
    return nullptr;
}

std::optional<refusal> refuse_twins(std::vector<walk::source> const& sources) {
    by_name seen;
    for (auto const& one : sources) {
        auto const [at, fresh] = seen.emplace(one.name, &one);
        if (!fresh)
            return refusal{usage, "the sources '" + display_name(at->second->given) + "' and '" +
                                      display_name(one.given) + "' would both be stored as '" + display_name(one.name) +
                                      "'. Export them separately, or from a common parent with -C and --files-from"};
    }
    for (auto const& one : sources)
        if (auto const* const above = walked_above(one, seen))
            return refusal{usage, "the sources '" + display_name(above->given) + "' and '" + display_name(one.given) +
                                      "' would both store '" + display_name(one.name) + "'. Leave one of them out"};
    return std::nullopt;
}

}  // namespace

std::optional<refusal> resolve_sources(export_arguments const& arguments, std::uint64_t memory_bytes,
                                       std::vector<walk::source>& into) {
    if (auto refused = check_directory(arguments.directory)) return refused;
    std::vector<std::string> listed;
    if (!arguments.files_from.empty())
        if (auto refused = read_list(arguments, memory_bytes, listed)) return refused;
    if (arguments.sources.empty() && listed.empty()) {
        if (arguments.files_from.empty()) return refusal{usage, "no source: name a directory or a file to export"};
        return refusal{source_failure,
                       display_name(arguments.files_from) + ": the list of sources is empty. Nothing was published"};
    }
    walk::source_request request;
    request.directory = arguments.directory;
    request.prefix = arguments.prefix ? &*arguments.prefix : nullptr;
    request.only_source = arguments.sources.size() + listed.size() == 1;
    for (auto const& source : arguments.sources) {
        request.given = source;
        if (auto refused = add(request, into)) return refused;
    }
    request.keep_path = true;
    for (auto const& source : listed) {
        request.given = source;
        if (auto refused = add(request, into)) return refused;
    }
    return refuse_twins(into);
}

}  // namespace submitit::cli
