// SPDX-License-Identifier: Apache-2.0
#include "walk/source.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <climits>
#include <cstdlib>

namespace submitit::walk {
namespace {

std::string_view without_trailing_slashes(std::string_view path) noexcept {
    while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
    return path;
}

std::string_view base_name(std::string_view path) noexcept {
    path = without_trailing_slashes(path);
    auto const slash = path.rfind('/');
    return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

/// A relative path as tar stores it: no leading '/', no empty, "." or ".." component.
std::string cleaned_path(std::string_view path) {
    std::string clean;
    while (!path.empty()) {
        auto const slash = path.find('/');
        auto const component = path.substr(0, slash);
        path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
        if (component.empty() || component == ".") continue;
        if (component == "..") {  // what came before it names something else
            clean.clear();
            continue;
        }
        if (!clean.empty()) clean += '/';
        clean += component;
    }
    return clean;
}

bool is_symlink(std::string const& path) noexcept {
    struct ::stat st{};
    return ::lstat(path.c_str(), &st) == 0 && S_ISLNK(st.st_mode);
}

std::string stored_name(source_request const& request, std::string const& path, std::string const& real_path,
                        bool is_directory) {
    auto const last = base_name(path);
    std::string name;
    if (request.keep_path) name = cleaned_path(request.given);
    if (name.empty()) {
        bool const keeps_given_name =
            last != "." && last != ".." && is_symlink(std::string{without_trailing_slashes(path)});
        name = keeps_given_name ? std::string{last} : std::string{base_name(real_path)};
        if (real_path == "/") name = "root";
    }
    if (request.prefix == nullptr) return name;
    auto prefix = cleaned_path(*request.prefix);
    if (request.only_source && is_directory && !request.keep_path) return prefix;
    return prefix.empty() ? name : prefix + '/' + name;
}

}  // namespace

result<source> resolve_source(source_request const& request) {
    if (request.given.empty() || request.given == "-" || request.given.find('\0') != std::string::npos)
        return from_errno(EINVAL);
    std::string path = request.given;
    if (!request.directory.empty() && !path.starts_with('/')) path = request.directory + '/' + path;

    char* const resolved = ::realpath(path.c_str(), nullptr);
    if (resolved == nullptr) return last_errno();
    source found;
    found.given = request.given;
    found.real_path = resolved;
    std::free(resolved);  // NOLINT(cppcoreguidelines-no-malloc): realpath(3) allocates with malloc

    struct ::stat st{};
    if (::stat(found.real_path.c_str(), &st) != 0) return last_errno();
    found.is_directory = S_ISDIR(st.st_mode);
    found.name = stored_name(request, path, found.real_path, found.is_directory);
    return found;
}

std::uint64_t footprint_bytes(std::vector<source> const& sources) noexcept {
    std::uint64_t bytes = sources.capacity() * sizeof(source);
    for (auto const& one : sources) bytes += one.given.capacity() + one.real_path.capacity() + one.name.capacity() + 48;
    return bytes;
}

result<std::shared_ptr<source_root const>> open_root(source const& from) {
    auto root = std::make_shared<source_root>();
    char const* const path = from.is_directory ? from.real_path.c_str() : "/";
    root->fd.reset(::open(path, O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!root->fd) return last_errno();
    return std::shared_ptr<source_root const>{std::move(root)};
}

}  // namespace submitit::walk
