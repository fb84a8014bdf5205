// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "archive/read/verify.hpp"

/// What the tests of this folder share: a directory of their own, the real tools, and one-line verdicts.
namespace submitit::archive::testing {

/// A fresh directory below $TMPDIR, removed with everything in it.
class temp_dir {
public:
    temp_dir();
    ~temp_dir();
    temp_dir(temp_dir const&) = delete;
    temp_dir& operator=(temp_dir const&) = delete;

    [[nodiscard]] std::string operator/(std::string_view name) const { return path_ + "/" + std::string{name}; }
    [[nodiscard]] std::string const& path() const noexcept { return path_; }

    /// Writes a file (directories above it are made) and gives its path.
    std::string put(std::string_view name, std::string_view bytes) const;

    /// Runs a shell command with this as its directory. False when it fails.
    [[nodiscard]] bool run(std::string const& command) const;

private:
    std::string path_;
};

/// Whether the program is on the PATH; says so when it is not, so that a skipped test is seen.
[[nodiscard]] bool have(std::string const& tool);

[[nodiscard]] std::string read_file(std::string const& path);

/// verify(), which must not fail.
[[nodiscard]] verify_report verified(std::string const& path, verify_options const& options = {});

/// Everything wrong, one finding a line: "path: message". Empty: clean. An error is "error: ...".
[[nodiscard]] std::string findings(std::string const& path, verify_options const& options = {});

/// The same for an archive that is not in a file yet; `name` matters where the format is told by it.
[[nodiscard]] std::string findings_of(temp_dir const& dir, std::string_view bytes, std::string_view name = "case.bin");

/// Names and contents as libarchive decodes them: a path that shares nothing with verify(). A symlink's content is its
/// target. "?" as the only name: it failed.
[[nodiscard]] std::map<std::string, std::string> decoded(std::string_view bytes);

/// Bytes that do not compress, the same for the same seed.
[[nodiscard]] std::string noise(std::size_t bytes, std::uint64_t seed);

/// Text that does.
[[nodiscard]] std::string prose(std::size_t bytes);

}  // namespace submitit::archive::testing
