// SPDX-License-Identifier: Apache-2.0
#include "archive/read/stored_name.hpp"

namespace submitit::archive::reader {

std::optional<std::string> path_below(std::string_view stored) {
    if (stored.starts_with('/') || stored.find('\0') != std::string_view::npos) return std::nullopt;
    std::string out;
    while (!stored.empty()) {
        auto const slash = stored.find('/');
        auto const component = stored.substr(0, slash);
        stored.remove_prefix(slash == std::string_view::npos ? stored.size() : slash + 1);
        if (component == "..") return std::nullopt;
        if (component.empty() || component == ".") continue;
        if (!out.empty()) out.push_back('/');
        out.append(component);
    }
    return out;
}

std::optional<std::string> name_mapping::map(std::string_view path) const {
    if (root_.empty()) return std::string{path};
    if (path == root_) return std::string{};
    if (path.size() > root_.size() && path.starts_with(root_) && path[root_.size()] == '/')
        return std::string{path.substr(root_.size() + 1)};
    return std::nullopt;
}

}  // namespace submitit::archive::reader
