// SPDX-License-Identifier: Apache-2.0
#include "archive/read/support.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

namespace submitit::archive::testing {

temp_dir::temp_dir() {
    auto pattern = (std::filesystem::temp_directory_path() / "archive-read-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
}

temp_dir::~temp_dir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

std::string temp_dir::put(std::string_view name, std::string_view bytes) const {
    auto const path = *this / name;
    std::filesystem::create_directories(std::filesystem::path{path}.parent_path());
    std::filesystem::remove(path);  // ext4 flushes a file that is truncated and written again, at once
    std::ofstream{path, std::ios::binary}.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return path;
}

bool temp_dir::run(std::string const& command) const {
    return std::system(("cd '" + path_ + "' && { " + command + "; } >/dev/null 2>&1").c_str()) == 0;
}

bool have(std::string const& tool) {
    if (std::system(("command -v " + tool + " >/dev/null 2>&1").c_str()) == 0) return true;
    MESSAGE("skipped: " << tool << " is not installed");
    return false;
}

std::string read_file(std::string const& path) {
    std::ifstream in{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
}

verify_report verified(std::string const& path, verify_options const& options) {
    auto report = verify(path, options);
    CAPTURE(path);
    REQUIRE(report.has_value());
    return *report;
}

std::string findings(std::string const& path, verify_options const& options) {
    auto const report = verify(path, options);
    if (!report) return "error: " + report.error().message() + "\n";
    std::string out;
    for (auto const& one : report->problems) out += (one.path.empty() ? "" : one.path + ": ") + one.message + "\n";
    CHECK(report->problems.size() == std::min<std::uint64_t>(report->problem_count, 100));
    return out;
}

std::string findings_of(temp_dir const& dir, std::string_view bytes, std::string_view name) {
    return findings(dir.put(name, bytes));
}

std::map<std::string, std::string> decoded(std::string_view bytes) {
    std::map<std::string, std::string> out;
    auto* const a = ::archive_read_new();
    ::archive_read_support_filter_gzip(a);
    ::archive_read_support_filter_zstd(a);
    ::archive_read_support_format_tar(a);
    ::archive_read_support_format_zip(a);
    bool sound = ::archive_read_open_memory(a, bytes.data(), bytes.size()) == ARCHIVE_OK;
    while (sound) {
        ::archive_entry* entry = nullptr;
        auto const code = ::archive_read_next_header(a, &entry);
        if (code == ARCHIVE_EOF) break;
        if (code != ARCHIVE_OK && code != ARCHIVE_WARN) sound = false;
        if (!sound) break;
        auto const* const name = ::archive_entry_pathname(entry);
        auto const* const target = ::archive_entry_symlink(entry);
        std::string content = target != nullptr ? target : "";
        char buffer[4096];
        la_ssize_t n = 0;
        while ((n = ::archive_read_data(a, buffer, sizeof buffer)) > 0)
            content.append(buffer, static_cast<std::size_t>(n));
        if (n < 0) sound = false;
        out[name != nullptr ? name : ""] = content;
    }
    ::archive_read_free(a);
    if (!sound) out = {{"?", ""}};
    return out;
}

std::string noise(std::size_t bytes, std::uint64_t seed) {
    std::mt19937_64 random{seed};
    std::string out(bytes, '\0');
    for (auto& c : out) c = static_cast<char>(random() & 0xFFU);
    return out;
}

std::string prose(std::size_t bytes) {
    std::string out;
    for (unsigned i = 0; out.size() < bytes; ++i) out += "line " + std::to_string(i * i) + " of a text\n";
    out.resize(bytes);
    return out;
}

}  // namespace submitit::archive::testing
