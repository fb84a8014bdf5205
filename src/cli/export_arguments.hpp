// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "walk/selection.hpp"

namespace submitit::cli {

enum class progress_mode : std::uint8_t { automatic, bar, plain, json, none };

/// `export` as it stands on the command line, before anything is looked up.
struct export_arguments {
    std::vector<std::string> sources;
    std::string directory;   // -C
    std::string files_from;  // -T
    bool null_separated = false;
    bool dry_run = false;
    std::optional<std::string> prefix;

    std::vector<std::string> excludes;
    std::vector<std::string> includes;
    std::vector<std::string> exclude_files;
    bool gitignore = false;
    bool exclude_vcs = false;
    bool one_file_system = false;
    bool dereference = false;

    std::string output;
    std::string format;
    std::string level;
    bool single_frame = false;
    bool no_clobber = false;
    bool force = false;
    bool no_sync = false;
    bool strict = false;
    bool reproducible = false;
    std::string xattrs = "user";
    std::string owner;
    std::string group;
    bool numeric_owner = false;

    std::string memory;
    unsigned jobs = 0;
    std::string io = "auto";

    bool quiet = false;
    bool verbose = false;
    bool json = false;
    std::string report;
    std::string progress = "auto";
    std::string status;
    bool status_allow_remote = false;
    std::string status_token_file;

    /// --exclude, --include and --exclude-from in the order they were given.
    std::vector<walk::selection_rule> rules;
};

/// Declares the subcommand; parsing fills `into`.
CLI::App* declare_export(CLI::App& app, export_arguments& into);

}  // namespace submitit::cli
