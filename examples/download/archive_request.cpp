// SPDX-License-Identifier: Apache-2.0
#include "download/archive_request.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <memory>
#include <optional>

#include "submitit/error.hpp"

namespace download {

namespace {

using boost::system::error_code;
using submitit::format;

constexpr std::pair<std::string_view, format> suffixes[] = {
    {".zip", format::zip}, {".tar", format::tar}, {".tar.gz", format::tar_gz}, {".tar.zst", format::tar_zst}};

error_code refused(int number) { return {number, boost::system::system_category()}; }

int hex_value(char c) noexcept {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

std::optional<std::string> percent_decoded(std::string_view text) {
    std::string made;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] != '%') {
            made += text[at];
            continue;
        }
        if (at + 2 >= text.size()) return std::nullopt;
        auto const high = hex_value(text[at + 1]);
        auto const low = hex_value(text[at + 2]);
        if (high < 0 || low < 0 || (high == 0 && low == 0)) return std::nullopt;
        made += static_cast<char>(high * 16 + low);
        at += 2;
    }
    return made;
}

/// Every component is a name, and none begins with a dot: so no "..", no hidden file, no absolute path.
bool plain(std::string_view path) noexcept {
    for (;;) {
        if (path.empty() || path.front() == '/' || path.front() == '.') return false;
        auto const slash = path.find('/');
        if (slash == std::string_view::npos) return true;
        path.remove_prefix(slash + 1);
    }
}

/// The real place of `path`, when that is a directory below `root` whose own names are plain, too.
std::optional<std::string> canonical_below(std::string const& root, std::string const& path) {
    auto const free = [](char* text) { std::free(text); };
    std::unique_ptr<char, decltype(free)> const found{::realpath((root + '/' + path).c_str(), nullptr), free};
    if (!found) return std::nullopt;
    std::string_view const real{found.get()};
    auto const top = root == "/" ? std::string_view{} : std::string_view{root};
    if (!real.starts_with(top) || real.size() <= top.size() || real[top.size()] != '/') return std::nullopt;
    if (!plain(real.substr(top.size() + 1))) return std::nullopt;
    struct stat status{};
    if (::stat(found.get(), &status) != 0 || !S_ISDIR(status.st_mode)) return std::nullopt;
    return std::string{real};
}

}  // namespace

boost::system::result<archive_request> find_archive(std::string_view target, settings const& from) {
    auto const query = target.find('?');
    auto path = percent_decoded(target.substr(0, query));
    if (!path || !path->starts_with('/') || path->find('\0') != std::string::npos) return refused(EINVAL);
    path->erase(0, 1);
    for (auto const& [suffix, kind] : suffixes) {
        if (!path->ends_with(suffix)) continue;
        path->resize(path->size() - suffix.size());
        if (!plain(*path)) return refused(ENOENT);
        auto real = canonical_below(from.root, *path);
        if (!real) return refused(ENOENT);
        return archive_request{std::move(*real), path->substr(path->rfind('/') + 1), kind};
    }
    return refused(ENOENT);
}

std::string_view content_type(format kind) noexcept {
    switch (kind) {
        case format::zip: return "application/zip";
        case format::tar: return "application/x-tar";
        case format::tar_gz: return "application/gzip";
        case format::tar_zst: break;
    }
    return "application/zstd";
}

submitit::export_job make_job(boost::asio::any_io_executor const& executor, service& from,
                              archive_request const& wanted) {
    submitit::export_job job{executor, from.engine};
    job.source(wanted.directory).prefix(wanted.name).format(wanted.format).level(from.limits.level);
    job.exclude(".*").small_tickets().wait_for_memory(false);
    if (from.limits.store) job.store().checksums(from.checksums);
    return job;
}

unsigned status_of(error_code error) noexcept {
    if (error == submitit::errc::engine_full) return 503;
    if (error == submitit::errc::source_changed) return 503;  // between measuring and sending: once more, later
    if (error == submitit::errc::nothing_to_store) return 404;
    if (error == refused(ENOENT) || error == refused(ENOTDIR)) return 404;
    return 500;
}

}  // namespace download
