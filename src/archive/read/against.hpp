// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "archive/read/entry_sink.hpp"
#include "archive/read/file_compare.hpp"
#include "archive/read/name_filter.hpp"
#include "archive/read/session.hpp"
#include "archive/read/stored_name.hpp"
#include "base/file_stat.hpp"
#include "base/result.hpp"
#include "base/unique_fd.hpp"

namespace submitit::archive::reader {

/// verify --against DIR: compares each entry (type, size, content, link target) with the file of its name below DIR and
/// reports every difference. Opens strictly beneath DIR and follows no link; a name that leads out of DIR is a problem.
/// Modes, owners and times are not compared.
class against final : public entry_sink {
public:
    /// `archive` is left out when files are counted. Fails: opening DIR, unchanged.
    [[nodiscard]] static result<std::unique_ptr<against>> open(session& run, file_stat const& archive);

    void begin(entry_info const& entry) override;
    void data(std::span<std::byte const> bytes) override;
    void hole(std::uint64_t bytes) override;
    void end() override;

    /// After the last entry: if the archive is one of all of DIR, it must have as many files, and the same. The first ten
    /// names that only DIR has are reported.
    void finish();

private:
    against(session& run, unique_fd directory, std::string name, file_stat const& archive);

    void problem(std::string message);
    result<unique_fd> find(std::string const& path, file_stat& stat);
    void compare_found(entry_info const& entry, std::string const& path, int fd, file_stat const& stat);
    void start_content(entry_info const& entry, std::string const& path, file_stat const& stat);
    void compare_hard_link(entry_info const& entry, std::string const& path, file_stat const& stat);
    void compare_files(std::string const& path, std::string const& target);
    void compare_target(std::string const& target);

    session& run_;
    unique_fd directory_;
    std::string directory_name_;  // base name of its real path
    std::string shown_;           // as given, for messages
    file_stat archive_;
    name_mapping names_;
    file_compare compare_;
    std::string path_;         // of the current entry, as stored
    std::string link_there_;   // target of the symlink found
    std::string link_stored_;  // target that arrives as content
    bool target_is_content_ = false;
    std::uint64_t files_ = 0;
    name_filter seen_;  // paths below DIR that the archive has
};

}  // namespace submitit::archive::reader
