// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/spill_file.hpp"
#include "walk/entry.hpp"
#include "walk/name_list.hpp"
#include "walk/name_table.hpp"
#include "walk/notice.hpp"
#include "walk/selection.hpp"
#include "walk/source.hpp"

namespace submitit::walk {

enum class xattr_policy : std::uint8_t { none, user, all };

struct walk_options {
    selection_options selection;
    bool one_file_system = false;
    bool dereference = false;
    xattr_policy xattrs = xattr_policy::none;
    bool names = false;                    ///< look user and group names up
    std::size_t window_bytes = 1U << 20U;  ///< of directory listings held in memory; more is spilled
    /// (dev, ino) of what stays out: the existing output, its directory ./exports.
    std::vector<std::pair<std::uint64_t, std::uint64_t>> own_outputs;
    std::size_t notices_bytes_max = 64U << 10U;  ///< of notices held before next() comes back without an entry
    std::function<bool()> stopping;              ///< asked at every name: true ends the walk early; may be empty
};

/// Walks the sources in argument order, each directory in stored-name order, opening nothing for its content.
///
/// Order:   CLI.md "Sources and names": byte-wise by stored name, a directory before what it holds.
/// Memory:  listings within window_bytes (of one directory, and of all ancestors together); the rest is spilled. Some
///          500 bytes a level, and notices_bytes_max of notices (one more, of any length, may follow).
/// Holds:   one directory descriptor, the source's, and a spill file once it is needed.
/// Safety:  every path is opened beneath its source without following links (with dereference: beneath it only).
/// Threads: one at a time; blocks on the disk.
class walker {
public:
    walker(std::vector<source> sources, walk_options options);
    ~walker();
    walker(walker const&) = delete;
    walker& operator=(walker const&) = delete;

    /// What next() came back with.
    enum class found : std::uint8_t {
        entry,
        notices,  ///< no entry yet, but so many notices that the caller should take them
        end,      ///< of all sources, or options.stopping said so
    };

    /// The next entry, or why there is none. What could not be listed goes to take_notices().
    /// Fails: only when the walk cannot go on: the spill file, an unreadable SOURCE.
    [[nodiscard]] result<found> next(entry& out);

    /// What happened since the last call, in walk order.
    [[nodiscard]] std::vector<notice> take_notices();

    /// The source that next() failed on, as given; empty when the spill file failed.
    [[nodiscard]] std::string const& failed_source() const noexcept { return failed_source_; }

private:
    struct frame;  // one directory being walked

    [[nodiscard]] result<bool> next_source(entry& out);
    [[nodiscard]] result<bool> next_in_directory(entry& out);
    [[nodiscard]] bool describe(name_list::item const& item, entry& out);
    [[nodiscard]] bool follow(entry& out);
    [[nodiscard]] bool left_out(entry const& seen);
    [[nodiscard]] result<> descend(entry const& directory);
    [[nodiscard]] result<> list(frame& into);
    [[nodiscard]] result<> list_name(frame& into, std::string_view name, std::uint8_t type);
    [[nodiscard]] bool is_forbidden_mount(int dir_fd, entry const& directory);
    [[nodiscard]] bool loops(file_stat const& directory) const noexcept;
    [[nodiscard]] int directory_fd();
    [[nodiscard]] result<> make_room();
    void decorate(int dir_fd, std::string_view name, entry& out);
    void note(notice_kind kind, std::string path, error_code error = {}, std::string detail = {});
    void pop_frame();

    std::vector<source> sources_;
    walk_options options_;
    std::size_t next_source_ = 0;
    std::shared_ptr<source_root const> root_;
    std::shared_ptr<source_root const> file_root_;  // "/", shared by the file sources
    std::unique_ptr<selection> selection_;
    std::uint32_t root_name_bytes_ = 0;
    spill_file spill_;
    name_table names_;
    std::vector<std::unique_ptr<frame>> frames_;
    bool has_pending_ = false;
    entry pending_;
    std::string directory_name_;  // stored name of the innermost directory, ending in '/'; "" at the top
    std::vector<notice> notices_;
    std::size_t notices_bytes_ = 0;
    std::string failed_source_;
};

}  // namespace submitit::walk
