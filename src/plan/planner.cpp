// SPDX-License-Identifier: Apache-2.0
#include "plan/planner.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include "base/open_beneath.hpp"

namespace submitit::plan {
namespace {

walk::notice_kind kind_of(error_code error) noexcept {
    auto const value = error.value();
    if (value == ENOENT || value == ENOTDIR || value == ESTALE) return walk::notice_kind::vanished;
    return value == ELOOP || value == ENXIO ? walk::notice_kind::replaced : walk::notice_kind::unreadable;
}

}  // namespace

planner::planner(walk::walker& walk, shape wanted)
    : walk_{&walk}, shape_{std::move(wanted)}, links_{shape_.link_window_bytes} {}

result<bool> planner::next(ticket& out) {
    out = ticket{};
    if (large_) {
        cut_segment(out);
        return true;
    }
    std::uint64_t footprint = 0;
    for (;;) {
        walk::entry entry;
        std::optional<std::uint64_t> needs;
        if (has_held_) {
            entry = std::move(held_);
            needs = held_needs_;
            has_held_ = false;
        } else {
            auto const got = next_entry(entry);
            if (!got) return failure{got.error()};
            if (*got != walk::walker::found::entry) {
                bool const ends = *got == walk::walker::found::end;
                if (!ends && footprint + notice_bytes_ <= shape_.limits.footprint_max) continue;
                if (out.entries.empty() && notices_.empty()) return false;
                seal(out);
                return true;
            }
            needs = link_seq_;
        }
        auto const size = entry.kind == walk::entry_kind::file ? entry.stat.size : 0;
        auto const cost = shape_.entry_bytes(entry, size);
        bool const another_root = out.entries.empty() || out.entries.back().root != entry.root;
        bool const full = out.bytes + cost > shape_.ticket_bytes || out.entries.size() == shape_.limits.entries_max ||
                          footprint + notice_bytes_ > shape_.limits.footprint_max ||
                          (another_root && out.roots == batch_roots_max);
        if (full && (!out.entries.empty() || !notices_.empty())) {
            held_ = std::move(entry);
            held_needs_ = needs;
            has_held_ = true;
            seal(out);
            return true;
        }
        if (cost > shape_.ticket_bytes) {
            if (!start_large(entry)) continue;
            if (auto const remembered = remember_first(large_->entry); !remembered) return failure{remembered.error()};
            cut_segment(out);
            return true;
        }
        if (auto const remembered = remember_first(entry); !remembered) return failure{remembered.error()};
        bool const elsewhere = needs && *needs < next_seq_;  // a first name in this very ticket needs no waiting
        if (elsewhere && (!out.needs_sealed || *needs > *out.needs_sealed)) out.needs_sealed = needs;
        out.bytes += cost;
        footprint += entry.footprint_bytes();
        out.roots += another_root ? 1 : 0;
        ++entries_;
        out.entries.push_back(std::move(entry));
    }
}

/// The next entry, as a link where one is due. One that the format cannot hold becomes a notice.
result<walk::walker::found> planner::next_entry(walk::entry& out) {
    auto const again = again_.next(out);
    if (!again) return failure{again.error()};
    if (!*again) {
        auto const got = walk_->next(out);
        for (auto& notice : walk_->take_notices()) note(std::move(notice));
        if (!got || *got != walk::walker::found::entry) return got;
    }
    if (!can_hold(out)) return walk::walker::found::notices;
    if (auto const linked = link_to_first(out); !linked) return failure{linked.error()};
    return walk::walker::found::entry;
}

bool planner::can_hold(walk::entry const& entry) {
    bool const special = entry.kind == walk::entry_kind::fifo || entry.kind == walk::entry_kind::char_device ||
                         entry.kind == walk::entry_kind::block_device;
    if (special && !shape_.specials) {
        note({walk::notice_kind::special, entry.name, {}, "a FIFO or device; this format cannot hold it"});
        return false;
    }
    if (entry.name.size() <= shape_.limits.name_bytes_max) return true;
    note({walk::notice_kind::unsupported,
          entry.name.substr(0, 256) + "...",
          {},
          "its name is longer than " + std::to_string(shape_.limits.name_bytes_max) + " bytes"});
    return false;
}

/// Makes the entry a hard link when an earlier name of its inode is stored.
result<> planner::link_to_first(walk::entry& entry) {
    link_seq_.reset();
    if (!link_ || !shape_.hard_links || entry.stat.nlink < 2 || entry.kind == walk::entry_kind::directory) return {};
    inode_key const key{entry.stat.dev, entry.stat.ino};
    auto first = links_.find(key);
    if (!first) return first.error();
    if (!*first) return {};
    entry.kind = walk::entry_kind::hard_link;
    entry.link_target = std::move((*first)->name);
    link_seq_ = (*first)->seq;
    planned_links_ = true;
    return {};
}

/// An entry that found its ticket, number next_seq_: later names of its inode may point at it.
result<> planner::remember_first(walk::entry const& entry) {
    bool const linkable = link_ && shape_.hard_links && entry.stat.nlink > 1 &&
                          entry.kind != walk::entry_kind::directory && entry.kind != walk::entry_kind::hard_link;
    if (!linkable) return {};
    return links_.add({entry.stat.dev, entry.stat.ino}, entry.name, next_seq_, entry.stat.nlink);
}

/// Opens a file that takes several tickets and looks at its content once, to fix the size it is declared with and whether
/// it is stored. False: it cannot be opened; a notice says so.
bool planner::start_large(walk::entry& entry) {
    auto large = std::shared_ptr<large_file>(new large_file, [open = large_open_](large_file* file) {
        if (file->fd) open->fetch_sub(1);
        delete file;
    });
    auto opened = open_beneath(entry.root->fd.get(), entry.path(), O_RDONLY | O_NONBLOCK | O_NOCTTY,
                               {.follow_links = entry.follow_links});
    large->declared_bytes = entry.stat.size;
    if (!opened && opened.error() != from_errno(EMFILE) && opened.error() != from_errno(ENFILE)) {
        note({kind_of(opened.error()), entry.name, opened.error(), {}});
        return false;
    }
    if (opened) {
        struct ::stat st{};
        if (::fstat(opened->get(), &st) != 0 || !S_ISREG(st.st_mode) || !to_file_stat(st).same_inode(entry.stat)) {
            note({walk::notice_kind::replaced, entry.name, {}, {}});
            return false;
        }
        large->declared_bytes = std::min(entry.stat.size, static_cast<std::uint64_t>(st.st_size));
    }
    if (shape_.known_crc && large->declared_bytes == entry.stat.size) large->known_crc = shape_.known_crc(entry.stat);
    if (shape_.store_large) large->store = shape_.store_large(entry, opened ? opened->get() : -1);
    large->store = large->store || large->known_crc.has_value();
    if (opened && large_open_->load() < shape_.large_files_open_max) {
        large_open_->fetch_add(1);
        large->fd = std::move(*opened);
    }
    large->entry = std::move(entry);
    large->first_seq = next_seq_;
    ++entries_;
    large_ = std::move(large);
    large_offset_ = 0;
    return true;
}

void planner::cut_segment(ticket& out) {
    out.kind = ticket_kind::segment;
    out.large = large_;
    out.offset = large_offset_;
    auto const header = large_offset_ == 0 ? shape_.header_bytes(large_->entry, large_->declared_bytes) : 0;
    out.bytes = std::min(shape_.ticket_bytes - header, large_->declared_bytes - large_offset_);
    large_offset_ += out.bytes;
    out.last_segment = large_offset_ == large_->declared_bytes;
    if (out.last_segment) large_.reset();
    seal(out);
}

void planner::note(walk::notice told) {
    notice_bytes_ += told.footprint_bytes();
    notices_.push_back(std::move(told));
}

void planner::seal(ticket& out) {
    out.seq = next_seq_++;
    out.notices = std::exchange(notices_, {});
    notice_bytes_ = 0;
}

result<> planner::plan_again(entry_spool orphans, bool each_alone) {
    again_ = entry_spool{};
    if (each_alone) link_ = false;
    for (walk::entry orphan;;) {
        auto const more = orphans.next(orphan);
        if (!more) return more.error();
        if (!*more) break;
        if (auto const forgotten = links_.forget({orphan.stat.dev, orphan.stat.ino}); !forgotten) return forgotten;
    }
    orphans.rewind();
    again_ = std::move(orphans);
    return {};
}

ticket planner::trailer() {
    ticket end;
    end.kind = ticket_kind::trailer;
    seal(end);
    return end;
}

}  // namespace submitit::plan
