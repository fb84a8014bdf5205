// SPDX-License-Identifier: Apache-2.0
#include "cli/export_arguments.hpp"

#include "cli/option_values.hpp"

namespace submitit::cli {
namespace {

constexpr char const* examples = R"(Examples:
  submitit-io export project -o project.zip
  submitit-io export project -o project.tar.zst -l 9 -m 256MiB
  submitit-io export project --exclude '*.o' --exclude-vcs      (into ./exports)
  submitit-io export logs etc -o - -f tar.gz | ssh host 'cat > backup.tar.gz'
  submitit-io export project -o project.zip --reproducible --json

Exit status: 0 clean, 1 published with warnings, 2 usage, 3 a source failed (nothing published),
4 the output failed, 6 the memory budget cannot fit, 70 internal, 128+n signal n.)";

CLI::Option* list_option(CLI::App* to, std::string const& name, std::vector<std::string>& into,
                         std::string const& help) {
    return to->add_option(name, into, help)
        ->expected(1)
        ->check(not_empty())
        ->allow_extra_args(false)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

void declare_selection(CLI::App* to, export_arguments& into) {
    auto const group = "What goes in";
    to->add_option("-C,--directory", into.directory, "Sources are relative to DIR")
        ->type_name("DIR")
        ->check(not_empty())
        ->group(group);
    to->add_option("-T,--files-from", into.files_from,
                   "More sources from FILE, one a line ('-': standard input); they keep the path given")
        ->type_name("FILE")
        ->check(not_empty())
        ->group(group);
    to->add_flag("--null", into.null_separated, "Names in --files-from end with NUL instead of a newline")
        ->group(group);
    list_option(
        to, "--exclude", into.excludes,
        "Leave out what GLOB matches: gitignore syntax, the last match wins. A '/' before its end ties GLOB to the "
        "root of each SOURCE ('/tmp', 'doc/*.o'); without one it matches at any depth")
        ->type_name("GLOB")
        ->group(group);
    list_option(to, "--include", into.includes,
                "Take in what GLOB matches (as in --exclude), against an earlier --exclude")
        ->type_name("GLOB")
        ->group(group);
    list_option(to, "--exclude-from", into.exclude_files,
                "Patterns from FILE, one a line; '!' before one takes in, as --include does")
        ->type_name("FILE")
        ->group(group);
    to->add_flag("--gitignore", into.gitignore,
                 "Leave out what .gitignore files name, as `git check-ignore --no-index` does: also files that are "
                 "tracked all "
                 "the same; not what a user-wide file names")
        ->group(group);
    to->add_flag("--exclude-vcs", into.exclude_vcs, "Leave out .git, .svn, .hg and their like")->group(group);
    to->add_flag("--one-file-system", into.one_file_system, "Do not cross mounts")->group(group);
    to->add_flag("--dereference", into.dereference,
                 "Follow symlinks whose target is inside the source; leave the others out, with a warning each")
        ->group(group);
    to->add_option("--prefix", into.prefix,
                   "Store one directory as P ('': its contents at the top); several go below P")
        ->type_name("P")
        ->group(group);
    to->add_flag("--dry-run", into.dry_run, "List what would go in, and stop")->group(group);
}

void declare_output(CLI::App* to, export_arguments& into) {
    auto const group = "The archive";
    to->add_option(
          "-o,--output", into.output,
          "Write PATH, replacing it atomically; DIR/: a dated name in DIR; '-': standard output. Default: ./exports/")
        ->type_name("PATH")
        ->check(not_empty())
        ->group(group);
    to->add_option("-f,--format", into.format, "zip, tar, tar.gz or tar.zst. Default: by the suffix of PATH, else zip")
        ->type_name("FMT")
        ->check(not_empty())
        ->group(group);
    to->add_option("-l,--level", into.level,
                   "zip and tar.gz 1-9 (default 6), tar.zst 1-19 (default 3), zip also 'store'")
        ->type_name("N")
        ->check(not_empty())
        ->group(group);
    to->add_flag("--single-frame", into.single_frame,
                 "tar.zst as one zstd frame, for readers that stop after the first")
        ->group(group);
    to->add_flag("--reproducible", into.reproducible,
                 "Equal bytes on every machine: no owners, no xattrs, mtime at most SOURCE_DATE_EPOCH")
        ->group(group);
    to->add_option("--xattrs", into.xattrs, "Extended attributes in tar: user (default), all, none")
        ->type_name("WHICH")
        ->check(one_of({"user", "all", "none"}))
        ->group(group);
    to->add_option("--owner", into.owner, "Store every entry as owned by NAME, NAME:ID or ID")
        ->type_name("USER")
        ->check(not_empty())
        ->group(group);
    to->add_option("--group", into.group, "The same for the group")
        ->type_name("GROUP")
        ->check(not_empty())
        ->group(group);
    to->add_flag("--numeric-owner", into.numeric_owner, "Store numbers only, no user and group names")->group(group);
    to->add_flag("--no-clobber", into.no_clobber, "Refuse to replace an existing PATH")->group(group);
    to->add_flag("--force", into.force, "Replace a taken dated name instead of numbering it")->group(group);
    to->add_flag("--no-sync", into.no_sync, "Do not wait until the archive is on the disk")->group(group);
    to->add_flag("--strict", into.strict, "Any warning fails the export; nothing is published")->group(group);
}

void declare_engine(CLI::App* to, export_arguments& into) {
    auto const group = "The engine";
    to->add_option("-m,--memory", into.memory,
                   "Bound of all buffers and codecs, as 64MiB or 1G. Default: 64MiB, more for high levels")
        ->type_name("SIZE")
        ->check(not_empty())
        ->group(group);
    to->add_option("-j,--jobs", into.jobs, "Workers. Default: one a processor")
        ->type_name("N")
        ->check(whole_number(1, 1024))
        ->group(group);
    to->add_option("--io", into.io, "auto, uring (never falls back) or threads")->type_name("BACKEND")->group(group);
}

void declare_reporting(CLI::App* to, export_arguments& into) {
    auto const group = "Reporting";
    to->add_flag("-q,--quiet", into.quiet, "No summary and no progress; warnings and errors only")->group(group);
    to->add_flag("-v,--verbose", into.verbose, "More in the summary")->group(group);
    to->add_flag("--json", into.json, "Summary as one JSON object")->group(group);
    to->add_option("--report", into.report, "Write that JSON object to FILE as well")
        ->type_name("FILE")
        ->check(not_empty())
        ->group(group);
    to->add_option("--progress", into.progress, "auto, bar, plain, json or none")
        ->type_name("MODE")
        ->check(one_of({"auto", "bar", "plain", "json", "none"}))
        ->group(group);
}

void declare_status(CLI::App* to, export_arguments& into) {
    auto const group = "Live status";
    to->add_option(
          "--status", into.status,
          "Show the export while it runs at ADDR: 127.0.0.1:9464, ':0' (any free port, which is printed), "
          "'unix:/path.sock'. There is a page for a browser at /, JSON at /status, Prometheus figures at /metrics; "
          "`submitit-io top ADDR` shows it in a terminal")
        ->type_name("ADDR")
        ->check(not_empty())
        ->group(group);
    to->add_option(
          "--status-token-file", into.status_token_file,
          "Let who knows the token in FILE cancel the export (POST /cancel). FILE is made, with a random token, if "
          "there is none")
        ->type_name("FILE")
        ->check(not_empty())
        ->group(group);
    to->add_flag(
          "--status-allow-remote", into.status_allow_remote,
          "Let ADDR be one that other machines reach; then all but /healthz needs the token, and nothing is encrypted")
        ->group(group);
}

}  // namespace

CLI::App* declare_export(CLI::App& app, export_arguments& into) {
    auto* const to = app.add_subcommand("export", "Write directories and files into one archive");
    to->add_option("SOURCE", into.sources, "Directories and files to store")->type_name("");  // see command_line.hpp
    declare_selection(to, into);
    declare_output(to, into);
    declare_engine(to, into);
    declare_reporting(to, into);
    declare_status(to, into);
    to->footer(examples);
    return to;
}

}  // namespace submitit::cli
