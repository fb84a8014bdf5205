// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "archive/traits.hpp"
#include "memory/slab.hpp"

namespace submitit::archive::testing {

/// How the read of one file or segment went.
struct read_outcome {
    std::string bytes;  ///< what was read
    bool left_out = false;
    bool changed = false;
    std::optional<timestamp> new_mtime;  ///< of a whole file that was modified before it was read
};

/// An archive made of tickets written by hand: encoder and container as in an export, the output a string.
class assembled {
public:
    explicit assembled(format_options options)
        : traits_{std::move(options)},
          encoder_{traits_.make_encoder()},
          container_{traits_.make_container(2)},
          slab_{traits_.slab_bytes()} {
        container_->begin(list_);
        carry_out();
    }

    [[nodiscard]] static walk::entry file(std::string name, std::uint64_t size) {
        walk::entry entry;
        entry.name = std::move(name);
        entry.root = std::make_shared<walk::source_root>();
        entry.stat.mode = S_IFREG | 0644;
        entry.stat.size = size;
        entry.stat.nlink = 1;
        entry.stat.mtime = {1'700'000'000, 0};
        return entry;
    }

    /// A ticket of whole files; sizes as the walk saw them stand in the entries.
    encoded batch(std::vector<walk::entry> entries, std::vector<read_outcome> const& reads) {
        plan::ticket ticket;
        ticket.entries = std::move(entries);
        std::vector<content> contents;
        encoder_->layout(ticket, slab_.bytes(), contents);
        REQUIRE(contents.size() == reads.size());
        std::size_t file = 0;
        for (auto& entry : ticket.entries) {
            if (entry.kind != walk::entry_kind::file) continue;
            settle(contents[file], reads[file]);
            if (reads[file].new_mtime) entry.stat.mtime = *reads[file].new_mtime;
            ++file;
        }
        auto done = encoder_->encode(ticket, slab_.bytes(), contents, outcomes);
        take(ticket, done);
        return done;
    }

    encoded batch(std::vector<std::pair<std::string, std::string>> const& whole) {
        std::vector<walk::entry> entries;
        std::vector<read_outcome> reads;
        for (auto const& [name, bytes] : whole) {
            entries.push_back(file(name, bytes.size()));
            reads.push_back({.bytes = bytes});
        }
        return batch(std::move(entries), reads);
    }

    /// A large file in as many segments as there are reads, each `segment_bytes` of what is declared.
    void large(std::string name, std::uint64_t declared, std::uint64_t segment_bytes,
               std::vector<read_outcome> const& reads, bool store = false) {
        auto large = std::make_shared<plan::large_file>();
        large->entry = file(std::move(name), declared);
        large->declared_bytes = declared;
        large->store = store;
        std::uint64_t at = 0;
        for (auto const& read : reads) {
            plan::ticket ticket;
            ticket.kind = plan::ticket_kind::segment;
            ticket.large = large;
            ticket.offset = at;
            ticket.bytes = std::min(segment_bytes, declared - at);
            at += ticket.bytes;
            ticket.last_segment = &read == &reads.back();
            std::vector<content> contents;
            encoder_->layout(ticket, slab_.bytes(), contents);
            REQUIRE(contents.size() == 1);
            settle(contents[0], read);
            auto done = encoder_->encode(ticket, slab_.bytes(), contents, outcomes);
            done.changed = contents[0].changed;
            take(ticket, done);
        }
        REQUIRE(at == declared);
    }

    void trailer() {
        plan::ticket ticket;
        ticket.kind = plan::ticket_kind::trailer;
        take(ticket, encoder_->encode(ticket, slab_.bytes(), {}, outcomes));
    }

    std::string const& finish() {
        for (;;) {
            list_.clear();
            auto const more = container_->finish(list_);
            REQUIRE(more.has_value());
            if (!*more) return output;
            carry_out();
        }
    }

    [[nodiscard]] std::vector<std::string> told() const {
        std::vector<std::string> all;
        for (auto const& one : notices) all.push_back(std::string{to_string(one.kind)} + ' ' + one.path);
        return all;
    }

    std::string output;
    std::vector<walk::notice> notices;
    std::uint64_t files = 0;
    std::uint64_t content_bytes = 0;
    int cuts = 0;
    int patches = 0;
    plan::link_outcomes outcomes{1U << 20U};

private:
    static void settle(content& of, read_outcome const& read) {
        REQUIRE(read.bytes.size() <= of.op.bytes);
        if (!read.bytes.empty()) std::memcpy(of.op.data, read.bytes.data(), read.bytes.size());
        of.op.got = read.bytes.size();
        of.left_out = read.left_out;
        of.changed = read.changed;
    }

    void take(plan::ticket const& ticket, encoded const& done) {
        list_.clear();
        REQUIRE(container_->append(ticket, done, list_));
        carry_out();
        files += done.files - list_.withdrawn_files;
        content_bytes += done.content_bytes - list_.withdrawn_bytes;
        for (auto const& told : done.notices) notices.push_back(told);
        for (auto const& told : list_.notices) notices.push_back(told);
    }

    void carry_out() {
        if (list_.cut_back_to) {
            ++cuts;
            REQUIRE(*list_.cut_back_to <= output.size());
            output.resize(static_cast<std::size_t>(*list_.cut_back_to));
        }
        for (auto const piece : list_.pieces) output.append(reinterpret_cast<char const*>(piece.data()), piece.size());
        if (!list_.overwrite) return;
        ++patches;
        auto const& patch = *list_.overwrite;
        REQUIRE(patch.offset + patch.bytes.size() <= output.size());
        std::memcpy(output.data() + patch.offset, patch.bytes.data(), patch.bytes.size());
    }

    traits traits_;
    std::unique_ptr<encoder> encoder_;
    std::unique_ptr<container> container_;
    memory::slab slab_;
    output_list list_;
};

}  // namespace submitit::archive::testing
