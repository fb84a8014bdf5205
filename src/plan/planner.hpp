// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>

#include "base/result.hpp"
#include "plan/entry_spool.hpp"
#include "plan/hard_links.hpp"
#include "plan/ticket.hpp"
#include "walk/walker.hpp"
#include "walk/xattr_reader.hpp"

namespace submitit::plan {

/// Sources a batch may hold entries of: each keeps its directory open.
inline constexpr std::uint32_t batch_roots_max = 8;

/// What bounds the records of one ticket. Part of the bytes, as the ticket size is.
struct batch_limits {
    std::size_t entries_max = 512;
    /// Heap bytes of entries and notices after which a batch closes; one entry more may follow.
    std::uint64_t footprint_max = 384U * 1024U;
    std::size_t name_bytes_max = walk::name_bytes_max;    ///< longer names become notices
    std::size_t xattr_bytes_max = walk::xattr_bytes_max;  ///< of one entry; the walk keeps it

    /// For exports of which hundreds share one budget.
    [[nodiscard]] static constexpr batch_limits small() noexcept { return {64, 24U * 1024U, 4095, 0}; }

    /// The most a ticket's records can take beside its slab: a batch that just closed, plus its largest possible last entry
    /// (two names, a symlink's target, a notice).
    [[nodiscard]] constexpr std::uint64_t ticket_footprint_max() const noexcept {
        return footprint_max + 2 * name_bytes_max + xattr_bytes_max + (name_bytes_max < 4096 ? 8U : 64U) * 1024U;
    }
};

/// What a container wants of the plan. The functions are called on the planning thread only.
struct shape {
    std::uint64_t ticket_bytes = 1U << 20U;
    batch_limits limits;
    bool hard_links = false;  ///< later names of an inode are links
    bool specials = false;    ///< FIFOs and devices can be stored
    /// Archive input of the whole entry: headers, content of `size` bytes, padding.
    std::function<std::uint64_t(walk::entry const&, std::uint64_t size)> entry_bytes;
    /// Bytes before the content in the first segment.
    std::function<std::uint64_t(walk::entry const&, std::uint64_t size)> header_bytes;
    /// The checksum of a large file's content, where it is known before it is read; may be null.
    std::function<std::optional<std::uint32_t>(file_stat const&)> known_crc;
    /// Whether the content of a large file should be stored as it is; null: never. `fd` may be -1.
    std::function<bool(walk::entry const&, int fd)> store_large;
    std::uint32_t large_files_open_max = 8;  ///< descriptors that segments may share
    std::size_t link_window_bytes = 2U << 20U;
};

/// Turns the walk into tickets. Pull: one thread calls next(); nothing is read but samples of large files.
class planner {
public:
    planner(walk::walker& walk, shape wanted);

    /// The next ticket in archive order; false when the walk has ended.
    /// Fails as walker::next does.
    [[nodiscard]] result<bool> next(ticket& out);

    /// True when some ticket so far holds a hard link: then orphans are possible.
    [[nodiscard]] bool planned_links() const noexcept { return planned_links_; }

    /// Plans these links again, after the walk has ended: their first names were not stored. The first of an inode becomes
    /// an ordinary entry, the others links to that; or, `each_alone`, all become ordinary entries.
    /// Fails: as the spool and the hard-link table do.
    [[nodiscard]] result<> plan_again(entry_spool orphans, bool each_alone = false);

    /// The container's end, after everything else.
    [[nodiscard]] ticket trailer();

    [[nodiscard]] std::uint64_t entries() const noexcept { return entries_; }

private:
    [[nodiscard]] result<walk::walker::found> next_entry(walk::entry& out);
    [[nodiscard]] bool can_hold(walk::entry const& entry);
    [[nodiscard]] result<> link_to_first(walk::entry& entry);
    [[nodiscard]] result<> remember_first(walk::entry const& entry);
    [[nodiscard]] bool start_large(walk::entry& entry);
    void cut_segment(ticket& out);
    void note(walk::notice told);
    void seal(ticket& out);

    walk::walker* walk_;
    shape shape_;
    hard_link_table links_;
    std::uint64_t next_seq_ = 0;
    std::uint64_t entries_ = 0;
    bool planned_links_ = false;
    bool has_held_ = false;
    walk::entry held_;  // read from the walk, did not fit into the last batch
    std::optional<std::uint64_t> held_needs_;
    std::shared_ptr<large_file> large_;
    std::uint64_t large_offset_ = 0;
    entry_spool again_;
    bool link_ = true;  // hard links are made
    std::vector<walk::notice> notices_;
    std::uint64_t notice_bytes_ = 0;
    std::shared_ptr<std::atomic<std::uint32_t>> large_open_ = std::make_shared<std::atomic<std::uint32_t>>(0);
    std::optional<std::uint64_t> link_seq_;  // of the link that link_to_first() made last
};

}  // namespace submitit::plan
