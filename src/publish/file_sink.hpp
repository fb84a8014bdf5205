// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/unique_fd.hpp"
#include "publish/sink.hpp"

namespace submitit::publish {

struct file_options {
    std::string path;     ///< the target; symlinks in its last component are resolved
    bool replace = true;  ///< false: an existing target fails with EEXIST, at the start and at commit()
    bool sync = true;     ///< fsync the file before it is named and the directory after
    /// Called with 2, 3, ... while the name is taken; gives the next name in the same directory. Null: the name is fixed.
    std::function<std::string(unsigned)> next_name;
};

/// A regular file that appears under its name complete or not at all.
///
/// An unnamed file (O_TMPFILE) is written, synced, then linked to the name; to replace a file it is linked to
/// .NAME.submitit-XXXXXX and renamed over it. Where O_TMPFILE is unknown that name is used from the start. A name of
/// that form which no living export holds (flock) is removed by open().
/// Source: open(2) O_TMPFILE, linkat(2), rename(2), fsync(2).
class file_sink final : public sink {
public:
    /// Fails: ENOENT, EACCES, ... of the parent directory; EEXIST; EISDIR when the target is a directory.
    [[nodiscard]] static result<std::unique_ptr<file_sink>> open(file_options options);
    ~file_sink() override;

    [[nodiscard]] bool seekable() const noexcept override { return true; }
    [[nodiscard]] result<> write(std::span<std::byte const> bytes) override;
    [[nodiscard]] result<> overwrite(std::uint64_t offset, std::span<std::byte const> bytes) override;
    [[nodiscard]] result<> cut_back(std::uint64_t size) override;
    [[nodiscard]] result<> commit() override;
    [[nodiscard]] std::string const& path() const noexcept override { return options_.path; }

    /// (dev, ino) of the temporary and of the file it would replace: a walk leaves them out.
    [[nodiscard]] std::vector<std::pair<std::uint64_t, std::uint64_t>> identities() const;

private:
    explicit file_sink(file_options options) : options_{std::move(options)} {}
    [[nodiscard]] result<> open_temporary();
    [[nodiscard]] result<> give_name();
    [[nodiscard]] result<> link_as(std::string const& name);
    [[nodiscard]] result<> replace_target();
    void remove_stale_temporaries();
    [[nodiscard]] std::string temporary_name() const;
    [[nodiscard]] mode_t final_mode() const;

    file_options options_;
    unique_fd directory_;
    std::string name_;  // last component of the path
    unique_fd file_;
    std::string temporary_;  // its name in the directory, while it has one
    std::uint64_t size_ = 0;
    std::uint64_t flushed_ = 0;  // writeback was started up to here
    std::optional<mode_t> replaced_mode_;
    std::optional<std::pair<std::uint64_t, std::uint64_t>> replaced_;
};

}  // namespace submitit::publish
