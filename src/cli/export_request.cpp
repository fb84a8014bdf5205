// SPDX-License-Identifier: Apache-2.0
#include "cli/export_request.hpp"

#include <grp.h>
#include <malloc.h>
#include <pwd.h>

#include <charconv>
#include <cstdlib>

#include "base/display_name.hpp"
#include "base/sizes.hpp"
#include "cli/exit_status.hpp"
#include "cli/option_values.hpp"
#include "cli/output_choice.hpp"

namespace submitit::cli {
namespace {

template <class Integer>
std::optional<Integer> parse_number(std::string_view text) {
    Integer value{};
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

std::optional<refusal> set_level(export_arguments const& arguments, archive::format_options& into) {
    bool const zstd = into.kind == format::tar_zst;
    into.level = zstd ? 3 : 6;
    if (arguments.level.empty()) return std::nullopt;
    if (into.kind == format::tar)
        return refusal{
            usage,
            "-l has no meaning for plain tar, which is not compressed. Use tar.zst, tar.gz or zip, or leave it out"};
    if (arguments.level == "store") {
        if (into.kind != format::zip)
            return refusal{usage, "-l store is for zip; for an uncompressed archive use -f tar"};
        into.store = true;
        return std::nullopt;
    }
    int const highest = zstd ? 19 : 9;
    auto const level = parse_number<int>(arguments.level);
    if (!level || *level < 1 || *level > highest)
        return refusal{usage, "-l '" + display_name(arguments.level) + "' is no level of " +
                                  archive::to_string(into.kind) + ": use 1 to " + std::to_string(highest) +
                                  (into.kind == format::zip ? ", or store" : "")};
    into.level = *level;
    return std::nullopt;
}

/// NAME, NAME:ID or ID, as GNU tar takes it.
struct identity {
    std::optional<std::uint32_t> id;
    std::optional<std::string> name;
};

template <class Lookup>
std::optional<refusal> parse_identity(std::string const& text, char const* option, Lookup const& lookup,
                                      identity& into) {
    if (text.empty()) return std::nullopt;
    auto const colon = text.rfind(':');
    auto const name = text.substr(0, colon);
    if (colon != std::string::npos) {
        into.id = parse_number<std::uint32_t>(std::string_view{text}.substr(colon + 1));
        if (!into.id)
            return refusal{usage, std::string{option} + " '" + display_name(text) +
                                      "': after ':' stands no number. Give NAME:ID, NAME or ID"};
        into.name = name;
        return std::nullopt;
    }
    into.id = parse_number<std::uint32_t>(text);
    if (into.id) {
        into.name = std::string{};
        return std::nullopt;
    }
    into.id = lookup(text);
    if (!into.id)
        return refusal{usage, std::string{option} + " '" + display_name(text) + "': no such name here. Give NAME:ID"};
    into.name = name;
    return std::nullopt;
}

std::optional<refusal> set_ownership(export_arguments const& arguments, archive::attribute_options& into) {
    identity user;
    identity group;
    auto const user_id = [](std::string const& name) -> std::optional<std::uint32_t> {
        auto const* const found = ::getpwnam(name.c_str());
        return found != nullptr ? std::optional<std::uint32_t>{found->pw_uid} : std::nullopt;
    };
    auto const group_id = [](std::string const& name) -> std::optional<std::uint32_t> {
        auto const* const found = ::getgrnam(name.c_str());
        return found != nullptr ? std::optional<std::uint32_t>{found->gr_gid} : std::nullopt;
    };
    if (auto refused = parse_identity(arguments.owner, "--owner", user_id, user)) return refused;
    if (auto refused = parse_identity(arguments.group, "--group", group_id, group)) return refused;
    into.uid = user.id;
    into.owner = user.name;
    into.gid = group.id;
    into.group = group.name;
    into.numeric_owner = arguments.numeric_owner;
    into.reproducible = arguments.reproducible;
    if (!arguments.reproducible) return std::nullopt;
    char const* const epoch = std::getenv("SOURCE_DATE_EPOCH");
    if (epoch == nullptr || *epoch == '\0') return std::nullopt;
    into.mtime_max = parse_number<std::int64_t>(epoch);
    if (!into.mtime_max)
        return refusal{usage, "SOURCE_DATE_EPOCH is '" + display_name(epoch) +
                                  "': set it to a number of seconds since 1970, or unset it"};
    return std::nullopt;
}

std::optional<refusal> set_selection(export_arguments const& arguments, walk::walk_options& into) {
    into.selection.rules = arguments.rules;
    into.selection.gitignore = arguments.gitignore;
    into.selection.exclude_vcs = arguments.exclude_vcs;
    into.one_file_system = arguments.one_file_system;
    into.dereference = arguments.dereference;
    return std::nullopt;
}

std::optional<refusal> set_xattrs(export_arguments const& arguments, format kind, walk::walk_options& into) {
    if (kind == format::zip || arguments.reproducible || arguments.xattrs == "none") return std::nullopt;
    into.xattrs = arguments.xattrs == "all" ? walk::xattr_policy::all : walk::xattr_policy::user;
    return std::nullopt;
}

std::optional<refusal> set_engine(export_arguments const& arguments, pipeline::export_options& into) {
    if (auto refused = parse_memory(arguments.memory, into.memory_bytes)) return refused;
    into.jobs = arguments.jobs;
    auto const kind = io::parse_backend_kind(arguments.io);
    if (!kind)
        return refusal{usage,
                       "--io '" + display_name(arguments.io) + "' is no known backend: use auto, uring or threads"};
    into.io.kind = *kind;
    return std::nullopt;
}

}  // namespace

std::optional<refusal> make_request(export_arguments const& arguments, pipeline::export_options& into) {
    if (arguments.no_clobber && arguments.force)
        return refusal{usage, "--no-clobber and --force contradict each other: leave one of them out"};
    if (auto refused = choose_format(arguments, into.format.kind)) return refused;
    if (auto refused = set_level(arguments, into.format)) return refused;
    if (arguments.single_frame && into.format.kind != format::tar_zst)
        return refusal{usage, "--single-frame is for tar.zst, not " +
                                  std::string{archive::to_string(into.format.kind)} +
                                  ": say -f tar.zst, or leave it out"};
    into.format.single_frame = arguments.single_frame;
    into.format.reproducible = arguments.reproducible;
    into.strict = arguments.strict;
    if (auto refused = set_ownership(arguments, into.format.attributes)) return refused;
    if (auto refused = set_xattrs(arguments, into.format.kind, into.walk)) return refused;
    into.walk.names = into.format.kind != format::zip && !arguments.reproducible && !arguments.numeric_owner;
    if (auto refused = set_selection(arguments, into.walk)) return refused;
    if (auto refused = set_engine(arguments, into)) return refused;
    auto refused = resolve_sources(arguments, into.memory_bytes != 0 ? into.memory_bytes : 64 * MiB, into.sources);
    ::malloc_trim(0);  // the list was read and resolved in pieces that are free now
    return refused;
}

}  // namespace submitit::cli
